import process from 'node:process';
import { schemaDifference } from './db-difference.ts';

/** `npm run db:check`: fails when schema.prisma and the migrations have drifted apart. */
const difference = await schemaDifference();
if (difference === '') {
  process.stdout.write('schema.prisma and the migrations agree\n');
} else {
  process.stderr.write(
    'schema.prisma and the migrations do not agree. What the migrations lack:\n\n' +
      `${difference}\nWrite it with: npm run db:migration -- <name>\n`,
  );
  process.exitCode = 1;
}
