/**
 * Runs test files in one process: unit tests share nothing and do no I/O, and starting a process for
 * each of them takes longer than running them all.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) await import(pathToFileURL(resolve(file)).href);
