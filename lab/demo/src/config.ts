/** Variables of the demo; the only reader of process.env. There is nothing that must be set. */
import { loadConfig, number, oneOf, systemClock, text } from '@holdfast/kit';
import type { ConfigOf } from '@holdfast/kit';
import { DESTINATIONS } from './core/parts.ts';
import type { Destination } from './core/parts.ts';

export const ENV = {
  DESTINATION: oneOf(DESTINATIONS, {
    fallback: 'mqtt',
    help: 'where the readings go: a broker, or a local Azure with DPS and two hubs',
  }),
  DEMO_SECONDS: number({
    unit: 's',
    fallback: undefined,
    min: 5,
    max: 86_400,
    help: 'ends by itself after so long; without a terminal 20, with the cloud 30',
  }),
  DEMO_STARTED_MS: text({
    fallback: undefined,
    help: 'when the command was typed, unix milliseconds; set by the Makefile',
  }),
  LC_ALL: text({ fallback: undefined, help: 'the terminal understands UTF-8 if this names it' }),
  LC_CTYPE: text({ fallback: undefined, help: 'the same' }),
  LANG: text({ fallback: undefined, help: 'the same' }),
};

export interface DemoConfig {
  readonly destination: Destination;
  readonly limitSeconds: number | undefined;
  /** Monotonic time of the moment the command was typed, milliseconds. */
  readonly startedMs: number;
  readonly unicode: boolean;
}

/** @throws ConfigError */
export function readConfig(): DemoConfig {
  const env: ConfigOf<typeof ENV> = loadConfig(ENV, process.env);
  const typedMs = Number(env.DEMO_STARTED_MS);
  const agoMs = systemClock.nowMs() - typedMs;
  // Not every `date` knows milliseconds; then the time of this process counts.
  const known = agoMs >= 0 && agoMs < 3_600_000;
  return {
    destination: env.DESTINATION,
    limitSeconds: env.DEMO_SECONDS,
    startedMs: systemClock.monotonicMs() - (known ? agoMs : performance.now()),
    unicode: /utf-?8/i.test(env.LC_ALL ?? env.LC_CTYPE ?? env.LANG ?? ''),
  };
}
