/** `npm start`: builds when needed, then runs the bridge in this very process, which signals reach. */
import { bringUpToDate } from './up-to-date.ts';

const MAIN = new URL('../dist/main.js', import.meta.url).href;

if (await bringUpToDate('program')) await import(MAIN);
else process.exitCode = 1;
