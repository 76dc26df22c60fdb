/**
 * Stands in for the program inside the npm package `@balena/compose-parser` where that cannot be had:
 * the package downloads it from outside the registry when it is installed, and writes it in Go. This one
 * reads the part of the compose language that our files use, and prints them in the same canonical form;
 * the package's own checks, what balena allows and forbids, run on it unchanged.
 *
 *   main.ts -f FILE [-f FILE]... PROJECT_NAME
 *
 * Not read: `extends`, `include`, `env_file`, port ranges. Errors and warnings are JSON lines on stderr.
 */
import { compose } from './compose.ts';
import { ComposeError } from './interpolate.ts';

const files: string[] = [];
let project = '';
const words = process.argv.slice(2);
for (let word = words.shift(); word !== undefined; word = words.shift()) {
  if (word === '-f') files.push(words.shift() ?? '');
  else project = word;
}
try {
  if (files.length === 0 || project === '') throw new ComposeError('usage: -f FILE PROJECT_NAME');
  process.stdout.write(JSON.stringify(compose(files, project, process.env)));
} catch (error) {
  const message = `Failed to parse compose file: ${error instanceof Error ? error.message : ''}`;
  process.stderr.write(`${JSON.stringify({ error: true, name: 'ParseError', message })}\n`);
  process.exitCode = 1;
}
