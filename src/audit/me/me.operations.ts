import { JSON_TYPE, type Operation } from '../../openapi/index.ts';
import { meSchema } from './me-shape.ts';

export const GET_ME: Operation = {
  id: 'getMe',
  method: 'get',
  path: '/api/v1/me',
  summary: 'Who the caller is and may do',
  answers: { [JSON_TYPE]: meSchema },
  errors: [400, 401],
};
