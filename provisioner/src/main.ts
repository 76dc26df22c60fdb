/** The provisioner: wiring. */
import { RepeatFilter, createLog, errorCode, errorMessage, leaveSignsOfLife } from '@holdfast/kit';
import { runService, systemClock, systemRandom } from '@holdfast/kit';
import { KEYS, RedisReports, openRedis, redisSettings } from '@holdfast/redis';
import { LinuxKernel } from './adapters/kernel.ts';
import { openDps } from './adapters/open-dps.ts';
import { RedisStore } from './adapters/redis-store.ts';
import { KeySigner } from './adapters/sas.ts';
import { Provisioner } from './app.ts';
import { readConfig } from './config.ts';
import type { ProvisionerLog } from './events.ts';
import { settingsOf } from './settings.ts';

const SERVICE = 'provisioner';
/** For the last status when the service is told to stop. */
const LAST_STATUS_MS = 500;

await runService(SERVICE, async (signal) => {
  const config = readConfig();
  const settings = settingsOf(config);
  const { rules, dps: identity, hubKey } = settings;
  const clock = systemClock;
  const log = createLog<ProvisionerLog>(SERVICE, clock);
  const failures = new RepeatFilter();
  const redis = openRedis(redisSettings(config), SERVICE, (error) => {
    const code = errorCode(error);
    if (failures.shouldLog(code)) log.warn('redis_error', { code, error: errorMessage(error) });
  });
  redis.on('ready', () => failures.reset());

  const reports = new RedisReports(redis, SERVICE, KEYS.provisionerStatus.key);
  const { source, idScope, registrationId } = rules;
  log.info('started', { source, endpoint: identity?.host ?? '', idScope, registrationId });
  reports.status({ started: new Date(clock.nowMs()).toISOString(), source });
  const provisioner = new Provisioner(
    {
      settings,
      dps: identity === undefined ? undefined : await openDps(config.DPS_TRANSPORT, identity),
      signer: hubKey === undefined ? undefined : new KeySigner(hubKey),
      store: new RedisStore(redis),
      kernel: new LinuxKernel(),
      reports,
      clock,
      random: systemRandom,
      log,
    },
    signal,
  );
  void leaveSignsOfLife({ check: async () => redis.ping(), clock }, signal);
  await provisioner.run();
  reports.status({ state: 'stopped' });
  await Promise.race([reports.flush(), clock.sleepMs(LAST_STATUS_MS)]);
  redis.disconnect();
});
