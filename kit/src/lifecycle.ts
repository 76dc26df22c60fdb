/**
 * A service's life: start, run until SIGTERM or SIGINT, stop within 5 s (contract, section 6).
 * Exit codes: 0 after a signal, 78 for unusable configuration, 1 for a bug (restart: always acts).
 */
import { setMaxListeners } from 'node:events';
import { ConfigError, EXIT_CONFIG, errorMessage } from './errors.ts';
import { renderLogLine } from './log.ts';

/** A service that has not stopped by then is ended: what it held is safe in Redis. */
const STOP_DEADLINE_MS = 4_500;
/** The longest interval a timer takes, milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

type Logger = (level: 'info' | 'error', event: string, fields: object) => void;

/**
 * Runs `main` until it returns. `signal` aborts on SIGTERM or SIGINT; `main` then has 4.5 s to
 * finish or abandon what it holds. Rejecting with the abort itself counts as having stopped.
 */
export async function runService(
  service: string,
  main: (signal: AbortSignal) => Promise<void>,
): Promise<never> {
  const log: Logger = (level, event, fields) => {
    process.stdout.write(`${renderLogLine(Date.now(), level, service, event, fields)}\n`);
  };
  const crash = (error: unknown): never => {
    const stack = error instanceof Error ? error.stack : undefined;
    log('error', 'crashed', { error: errorMessage(error), stack });
    process.exit(1);
  };
  process.on('unhandledRejection', crash).on('uncaughtException', crash);
  const stop = abortOnSignal(log);
  // A service may wait for nothing but the signal, which by itself does not keep a process alive.
  setInterval(() => {}, LONGEST_MS);

  try {
    await main(stop);
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${service}: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
      process.exit(EXIT_CONFIG);
    }
    if (!isAbort(error, stop)) crash(error);
  }
  if (stop.aborted) log('info', 'stopped', {});
  process.exit(0);
}

function abortOnSignal(log: Logger): AbortSignal {
  const stop = new AbortController();
  // Every part of a service listens to it, for as long as the service lives: no leak.
  setMaxListeners(0, stop.signal);
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) return;
    log('info', 'stopping', { signal: name });
    setTimeout(() => {
      log('error', 'stop_deadline_passed', { deadlineMs: STOP_DEADLINE_MS });
      process.exit(0);
    }, STOP_DEADLINE_MS);
    stop.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return stop.signal;
}

/** Whether an error only says that the service was told to stop. */
function isAbort(error: unknown, stop: AbortSignal): boolean {
  if (!stop.aborted) return false;
  return error === stop.reason || (error instanceof Error && error.name === 'AbortError');
}
