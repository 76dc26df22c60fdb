/** `make demo`: the gateway on this machine's own readings, live. README.md says what it shows. */
import { constants } from 'node:os';
import { ConfigError, EXIT_CONFIG } from '@holdfast/kit';
import { readConfig } from './src/config.ts';
import { runDemo } from './src/run.ts';

/** Somebody wants the demo to end at once. */
class Stopped extends Error {
  readonly exitCode: number;
  constructor(signal: NodeJS.Signals) {
    super(`Ended by ${signal}: no proof.`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Leaves at once; processes, folders and terminal are taken care of by their exit handlers. */
function fail(error: unknown): never {
  process.once('exit', () => console.error(error));
  process.exit(1);
}

const stop = new AbortController();
const end = (signal: NodeJS.Signals) => {
  const reason = new Stopped(signal);
  // Asked again: not even an orderly end is waited for.
  if (stop.signal.aborted) process.exit(reason.exitCode);
  stop.abort(reason);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
// Whoever read our output has gone.
process.stdout.on('error', () => end('SIGPIPE'));
process.stderr.on('error', () => end('SIGPIPE'));
process.on('uncaughtException', fail);

try {
  process.exitCode = await runDemo(readConfig(), stop.signal);
} catch (error) {
  const known = error instanceof Stopped || error instanceof ConfigError;
  console.error(known ? error.message : error);
  if (error instanceof Stopped) process.exitCode = error.exitCode;
  else process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1;
}
process.exit();
