/** The start/stop button: wiring. */
import { randomBytes } from 'node:crypto';
import { RepeatFilter, createLog, errorCode, errorMessage } from '@holdfast/kit';
import { runService, systemClock, systemRandom } from '@holdfast/kit';
import { openRedis, redisSettings } from '@holdfast/redis';
import { lineFor } from './adapters/line.ts';
import { RedisMeasuring } from './adapters/redis-measuring.ts';
import { RedisReports } from './adapters/redis-reports.ts';
import { runButton } from './app.ts';
import { readConfig } from './config.ts';
import { contactFor } from './core/contact.ts';
import type { ButtonLog } from './events.ts';
import { Presses } from './presses.ts';

const SERVICE = 'startstopbutton';
/** Somebody who saw nothing happen for so long has pressed again or walked away. */
const MAX_PRESS_AGE_MS = 5_000;
/** For the last status when the service is told to stop. */
const LAST_STATUS_MS = 500;

await runService(SERVICE, async (signal) => {
  const config = readConfig();
  const { BUTTON_PIN: pin, BUTTON_PULL_UP_DOWN: pull } = config;
  const clock = systemClock;
  const log = createLog<ButtonLog>(SERVICE, clock);
  const failures = new RepeatFilter();
  const redis = openRedis(redisSettings(config), SERVICE, (error) => {
    const code = errorCode(error);
    if (failures.shouldLog(code)) log.warn('redis_error', { code, error: errorMessage(error) });
  });
  redis.on('ready', () => failures.reset());

  const reports = new RedisReports(redis, SERVICE);
  const surroundings = { clock, random: systemRandom, log, reports };
  const measuring = new RedisMeasuring({ redis, service: SERVICE, maxAgeMs: MAX_PRESS_AGE_MS });
  const presses = new Presses(surroundings, measuring, () => randomBytes(6).toString('hex'));
  const line = lineFor(config.HARDWARE_SIMULATOR, { pin, pull });
  const contact = contactFor(pin, pull, config.BUTTON_EVENT, config.BUTTON_BOUNCE_MILLIS);

  const { backend } = line;
  log.info('started', { pin, backend });
  const started = new Date(clock.nowMs()).toISOString();
  reports.status({ started, state: 'opening', pin, backend, presses: 0, last_error: '' });
  await runButton({ ...surroundings, pin, contact, line, presses }, signal);
  reports.status({ state: 'stopped' });
  await Promise.race([reports.flush(), clock.sleepMs(LAST_STATUS_MS)]);
  redis.disconnect();
});
