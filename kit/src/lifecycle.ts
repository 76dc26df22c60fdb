/**
 * A service's life: start, run until SIGTERM or SIGINT, stop within 5 s (contract, section 6).
 * Exit codes: 0 after a signal, 78 for unusable configuration, 1 for a bug (restart: always acts).
 */
import { ConfigError, EXIT_CONFIG, errorMessage } from './errors.ts';
import { renderLogLine } from './log.ts';

/** A service that has not stopped by then is ended: what it held is safe in Redis. */
const STOP_DEADLINE_MS = 4_500;

/**
 * Runs `main` until it returns. `signal` aborts on SIGTERM or SIGINT; `main` then has 4.5 s to
 * finish or abandon what it holds.
 */
export async function runService(
  service: string,
  main: (signal: AbortSignal) => Promise<void>,
): Promise<never> {
  const stop = new AbortController();
  const log = (level: 'info' | 'error', event: string, fields: object) => {
    process.stdout.write(`${renderLogLine(Date.now(), level, service, event, fields)}\n`);
  };
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) return;
    log('info', 'stopping', { signal: name });
    stop.abort();
    setTimeout(() => {
      log('error', 'stop_deadline_passed', { deadlineMs: STOP_DEADLINE_MS });
      process.exit(0);
    }, STOP_DEADLINE_MS).unref();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  process.on('unhandledRejection', (reason) => {
    throw reason;
  });
  process.on('uncaughtException', (error) => {
    log('error', 'crashed', { error: errorMessage(error), stack: error.stack });
    process.exit(1);
  });

  try {
    await main(stop.signal);
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${service}: ${error.message.replaceAll('\n', ' ')}\n`);
      process.exit(EXIT_CONFIG);
    }
    const stack = error instanceof Error ? error.stack : undefined;
    log('error', 'crashed', { error: errorMessage(error), stack });
    process.exit(1);
  }
  if (stop.signal.aborted) log('info', 'stopped', {});
  process.exit(0);
}
