/** The sensor service: wiring only. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLog, leaveSignsOfLife, runService } from '@holdfast/kit';
import { systemClock, systemRandom } from '@holdfast/kit';
import { redisSettings } from '@holdfast/redis';
import { kernelBuses } from './adapters/i2c-bus.ts';
import { simulatedBuses } from './adapters/i2c-simulator.ts';
import { PendingFileOnDisk } from './adapters/pending-file.ts';
import { RedisDevice } from './adapters/redis-device.ts';
import { SensorApp } from './app.ts';
import { readConfig } from './config.ts';
import { shortBootId } from './core/host.ts';
import { addNamed, busesInUse, keepDetecting } from './detection.ts';
import { hostSensor } from './drivers/host.ts';
import { watchConflict } from './gpio-conflict.ts';
import type { SensorLog } from './log.ts';

const SERVICE = 'sensor';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

await runService(SERVICE, async (signal) => {
  const config = readConfig();
  const clock = systemClock;
  const log = createLog<SensorLog>(SERVICE, clock);
  // A machine that does not tell (a developer's, not Linux) counts each start as a boot.
  const boot = shortBootId(await readFile(BOOT_ID, 'utf8').catch(() => randomUUID()));
  const { HARDWARE_SIMULATOR: simulator, I2C_TIMEOUT_MILLIS: limitMs, I2C_BUSES: only } = config;
  const buses =
    simulator === undefined
      ? kernelBuses(limitMs, clock)
      : simulatedBuses(simulator, limitMs, clock);
  const redis = new RedisDevice({
    settings: redisSettings(config),
    onConnected: () => {
      log.info('redis_connected', {});
      app.connected();
    },
    onLost: (code, error) => log.warn('redis_lost', { code, error }),
  });
  const app = new SensorApp({
    intervalSeconds: config.INTERVAL_SECONDS,
    pendingMax: config.PENDING_MAX_READINGS,
    pendingFile:
      config.PENDING_DIR === undefined ? undefined : new PendingFileOnDisk(config.PENDING_DIR),
    boot,
    clock,
    random: systemRandom,
    log,
    store: redis,
    writeEvent: (event, fields) => redis.event({ service: SERVICE, event, fields }),
    writeStatus: async (fields) => redis.writeStatus(fields),
  });
  await app.carryOver();
  const { host, auto, places: named } = config.SENSORS;
  if (host) app.add(hostSensor);
  addNamed({ app, buses, named, clock });
  redis.watchSettings((interval, enabled) => app.settings(interval, enabled), signal);
  if (auto) void keepDetecting({ app, buses, named, only, clock, log }, signal);
  const inUse = async () => busesInUse({ buses, named, auto, only });
  void watchConflict({ app, clock, buttonPin: async () => redis.buttonPin(), inUse }, signal);
  void leaveSignsOfLife({ check: async () => redis.ping(), clock }, signal);
  await app.run(signal);
  redis.close();
  await buses.close();
});
