import { Catch, HttpException, HttpStatus, Logger } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import { STATUS_CODES } from 'node:http';
import { isObject, stringAt } from '../../core/json.ts';
import { DatabaseError } from '../../database/index.ts';
import { queryFailure, type QueryFailure } from './query-failure.ts';

/** Every failure of the bridge's own routes: `{statusCode, error, message, details?}`. */
export interface ApiErrorBody {
  readonly statusCode: number;
  readonly error: string;
  readonly message: string;
  readonly details?: unknown;
}

const UNAVAILABLE: Record<QueryFailure, string> = {
  connection: 'The database is not available at the moment.',
  timeout: 'There is too much to read for this answer. Narrow the question, to a time for example.',
};

/** Turns whatever a handler throws into the error shape of the contract; what is no fault of the caller is logged. */
@Catch()
export class ApiExceptionFilter implements ExceptionFilter {
  readonly #logger = new Logger('Api');

  catch(error: unknown, host: ArgumentsHost): void {
    const res = host.switchToHttp().getResponse<Response>();
    const body = this.#bodyFor(error);
    // An answer that has begun can only be cut off: half of it must not look like all of it.
    if (res.headersSent) res.destroy();
    else res.status(body.statusCode).json(body);
  }

  #bodyFor(error: unknown): ApiErrorBody {
    if (error instanceof HttpException) return bodyOf(error.getStatus(), error.getResponse());
    const failure = error instanceof DatabaseError ? 'connection' : queryFailure(error);
    if (failure !== undefined) return bodyOf(HttpStatus.SERVICE_UNAVAILABLE, UNAVAILABLE[failure]);
    this.#logger.error(
      'a request failed for a fault of the bridge',
      error instanceof Error ? error.stack : String(error),
    );
    return bodyOf(HttpStatus.INTERNAL_SERVER_ERROR, 'Internal error.');
  }
}

function bodyOf(statusCode: number, response: string | object): ApiErrorBody {
  const given = isObject(response) ? response : { message: response };
  const error = STATUS_CODES[statusCode] ?? 'Error';
  const message = stringAt(given, 'message') ?? error;
  const details = given['details'];
  return { statusCode, error, message, ...(details !== undefined && { details }) };
}
