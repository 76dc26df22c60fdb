/** The dashboard service: wiring only. */
import { readFile } from 'node:fs/promises';
import { ConfigError, RepeatFilter, createLog, errorCode, errorMessage } from '@holdfast/kit';
import { leaveSignsOfLife, runService, systemClock } from '@holdfast/kit';
import { openRedis, redisSettings } from '@holdfast/redis';
import { RedisControl } from './adapters/redis-control.ts';
import { RedisStore } from './adapters/redis-store.ts';
import { Dashboard } from './app.ts';
import { controlSettings, deviceName, readConfig } from './config.ts';
import { openApi } from './core/contract/index.ts';
import { RateLimit } from './core/rate.ts';
import { SERVICE_NAME as SERVICE } from './core/same-origin.ts';
import { pageAssets } from './http/assets.ts';
import { handlerFor } from './http/handler.ts';
import { serve } from './http/server.ts';
import type { DashboardLog } from './log.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const PAGE = new URL('./page/', import.meta.url);
const VERSION = '0.1.0';

await runService(SERVICE, async (signal) => {
  const config = readConfig();
  const { DASHBOARD_PORT: port, DASHBOARD_BIND: bind, DASHBOARD_CONTROL: mayControl } = config;
  const clock = systemClock;
  const log = createLog<DashboardLog>(SERVICE, clock);
  const failures = new RepeatFilter();
  const onError = (error: Error) => {
    const code = errorCode(error);
    if (failures.shouldLog(code)) log.warn('redis_error', { code, error: errorMessage(error) });
  };
  const redis = openRedis(redisSettings(config), SERVICE, onError);
  redis.on('ready', () => failures.reset());
  const switching = mayControl
    ? openRedis(controlSettings(config), `${SERVICE}:control`, onError)
    : undefined;

  const store = new RedisStore(redis);
  // Shortened as the sensor does; a machine that does not tell has no age by its own clock.
  const boot = (await readFile(BOOT_ID, 'utf8').catch(() => ''))
    .trim()
    .replaceAll('-', '')
    .slice(0, 12);
  const dashboard = new Dashboard({
    store,
    clock,
    boot,
    control: mayControl,
    device: deviceName(config),
  });
  const perSecond = config.DASHBOARD_REQUESTS_PER_SECOND;
  const onBug = (path: string, error: unknown) =>
    log.error('request_failed', { path: path.slice(0, 200), error: errorMessage(error) });
  const handler = handlerFor({
    dashboard,
    clock,
    rate: new RateLimit(perSecond, 2 * perSecond),
    assets: pageAssets(PAGE),
    openapi: openApi(VERSION, mayControl),
    redisReady: () => store.ready,
    control: switching === undefined ? undefined : new RedisControl(switching),
    onSwitched: (measuring) => log.info('switched', { measuring }),
    onBug,
  });
  const listening = () => log.info('started', { port, control: mayControl });
  const served = serve({ port, bind, handler, onBug }, listening, signal).catch(
    (error: unknown) => {
      throw new ConfigError(`DASHBOARD_PORT ${port}: ${errorMessage(error)}`);
    },
  );
  const alive = leaveSignsOfLife({ check: async () => redis.ping(), clock }, signal);
  await Promise.all([served, dashboard.keepHistory(signal), alive]);
  redis.disconnect();
  switching?.disconnect();
});
