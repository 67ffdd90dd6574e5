/** `npm run build`; with the argument `client` only what `npm run generate` makes. */
import { bringUpToDate } from './up-to-date.ts';

const target = process.argv[2] === 'client' ? 'client' : 'program';
if (!(await bringUpToDate(target))) process.exitCode = 1;
