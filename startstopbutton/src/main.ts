/** The start/stop button: wiring. */
import { randomBytes } from 'node:crypto';
import { createLog, leaveSignsOfLife, runService, systemClock, systemRandom } from '@holdfast/kit';
import { KEYS, RedisReports, redisSettings } from '@holdfast/redis';
import { lampFor, lineFor } from './adapters/line.ts';
import { connectRedis } from './adapters/redis-connection.ts';
import { RedisFacts } from './adapters/redis-facts.ts';
import { RedisMeasuring } from './adapters/redis-measuring.ts';
import { RedisProvisioning } from './adapters/redis-provisioning.ts';
import { runButton } from './app.ts';
import { contactOf, readConfig } from './config.ts';
import type { ButtonLog } from './events.ts';
import { LampLoop } from './lamp.ts';
import { watchPinConflict } from './pin-conflict.ts';
import { Presses } from './presses.ts';

const SERVICE = 'startstopbutton';
/** Somebody who saw nothing happen for so long has pressed again or walked away. */
const MAX_PRESS_AGE_MS = 5_000;
/** For the last status when the service is told to stop. */
const LAST_STATUS_MS = 1_500;

await runService(SERVICE, async (signal) => {
  const config = readConfig();
  const { BUTTON_PIN: pin, BUTTON_PULL_UP_DOWN: pull, LED_PIN: lampPin } = config;
  const clock = systemClock;
  const log = createLog<ButtonLog>(SERVICE, clock);
  const redis = connectRedis(redisSettings(config), SERVICE, log);
  const reports = new RedisReports(redis, SERVICE, KEYS.buttonStatus.key);
  const surroundings = { clock, random: systemRandom, log, reports };
  const facts = new RedisFacts(redis);
  const gpio = { simulatorPath: config.HARDWARE_SIMULATOR, backend: config.GPIO_BACKEND };
  const common = { pull, sysfsBase: config.GPIO_BASE };
  const lamps = [lampPin ?? []].flat().map((pin) => {
    return new LampLoop({ ...surroundings, facts, pin, lamp: lampFor(gpio, { ...common, pin }) });
  });
  const origin = { redis, clock, service: SERVICE, maxAgeMs: MAX_PRESS_AGE_MS };
  const presses = new Presses(surroundings, {
    measuring: new RedisMeasuring(origin),
    provisioning: new RedisProvisioning(origin),
    newId: () => randomBytes(6).toString('hex'),
    onMeasuring: () => lamps.forEach((lamp) => lamp.look()),
  });
  const line = lineFor(gpio, { ...common, pin });
  const contact = contactOf(config);

  log.info('started', { pin, backend: line.backend });
  const started = new Date(clock.nowMs()).toISOString();
  const fresh = { presses: 0, last_error: '', pin_conflict: '' };
  reports.status({ started, state: 'opening', pin, backend: line.backend, ...fresh });
  await Promise.all([
    runButton({ ...surroundings, pin, contact, line, presses }, signal),
    ...lamps.map(async (lamp) => lamp.run(signal)),
    watchPinConflict(surroundings, facts, pin, signal),
    leaveSignsOfLife({ check: async () => redis.ping(), clock }, signal),
  ]);
  reports.status({ state: 'stopped' });
  await Promise.race([reports.flush(), clock.sleepMs(LAST_STATUS_MS)]);
  redis.disconnect();
});
