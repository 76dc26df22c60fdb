/** The whole way: the provisioner asks DPS, the handler forwards, the cloud moves the device. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { service, until } from '@holdfast/lab/servers';
import type { ManagedProcess } from '@holdfast/lab/servers';
import { Closing } from './closing.ts';
import { DEVICE, PATIENT, startHubBed } from './hub-bed.ts';
import type { HubBed } from './hub-bed.ts';

const PER_SECOND = 100;

interface Provisioned extends AsyncDisposable {
  readonly bed: HubBed;
  readonly provisioner: ManagedProcess;
}

async function startProvisioned(
  reprovisionPolicy: string | null,
  env: Readonly<Record<string, string>> = {},
  handlerEnv: Readonly<Record<string, string>> = {},
): Promise<Provisioned> {
  const parts = new Closing();
  const bed = parts.use(await startHubBed({ start: false, assign: false, env: handlerEnv }));
  const { cloud, redis } = bed;
  const key = randomBytes(32).toString('base64');
  cloud.dps.enrol({
    registrationId: DEVICE,
    allocationPolicy: 'static',
    iotHubs: ['hub-a'],
    attestation: {
      type: 'symmetricKey',
      symmetricKey: { primaryKey: key, secondaryKey: randomBytes(32).toString('base64') },
    },
    reprovisionPolicy,
    initialTwin: { properties: { desired: { config: { 'measurement:interval': 11 } } } },
  });
  const provisioner = parts.use(
    service('provisioner', {
      ...redis.env,
      DPS_ENDPOINT: cloud.dps.endpoint,
      DPS_ID_SCOPE: cloud.dps.idScope,
      DPS_REGISTRATION_ID: DEVICE,
      DPS_SYMMETRIC_KEY: key,
      DPS_CA_CERTS: cloud.caFile,
      // The waits are what other tests are about.
      DPS_INTERVAL_SECONDS: '1',
      DPS_RETRY_SECONDS: '0.5',
      HUB_RETRY_MAX_SECONDS: '2',
      ...env,
    }),
  );
  provisioner.start();
  bed.handler.start();
  await bed.handler.untilLine(/"link_up"/, 40_000);
  return { bed, provisioner, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
}

async function flows(bed: HubBed): Promise<void> {
  const before = bed.account.readings.size;
  await until('readings flow', () => bed.account.readings.size > before + 150, 90_000).catch(
    (error: unknown) => {
      throw new Error(bed.handler.lines.slice(-20).join('\n'), { cause: error });
    },
  );
}

function epochOf(identity: string): string {
  return identity.split(' ')[0] ?? '';
}

function epochsOf(identities: Iterable<string>): Set<string> {
  return new Set([...identities].map(epochOf));
}

for (const [policy, hub, interval] of [
  ['migrate', 'hub-b', '12'],
  ['reset', 'hub-b', '11'],
  ['never', 'hub-a', '12'],
] as const) {
  test(`allocated to another hub under load, policy ${policy}: it ends on ${hub}, nothing is lost`, async () => {
    await using whole = await startProvisioned(policy);
    const { bed } = whole;
    const { cloud, redis } = bed;
    const measured = (value: string) => async () =>
      (await redis.client.get('measurement:interval')) === value;
    await until('the initial twin is carried out', measured('11'));
    bed.hub('hub-a').registry.patchDesired(DEVICE, { config: { 'measurement:interval': 12 } });
    await until('the desired value is carried out', measured('12'));
    bed.producer.start(PER_SECOND);
    await flows(bed);
    const { position } = cloud.log;
    const registrations = cloud.log.count('registration');
    cloud.dps.enrolments.change('individual', DEVICE, { hubs: ['hub-b'] });
    await bed.hub('hub-a').invokeMethod(DEVICE, 'Reprovision', {});
    await cloud.log.waitFor('registration', undefined, { after: position, timeoutMs: 30_000 });
    if (hub === 'hub-b') {
      await cloud.log.waitFor('connected', (event) => event.hub === 'hub-b', {
        timeoutMs: 60_000,
      });
    }
    await flows(bed);
    await bed.producer.stop();
    await bed.assertNothingLost();
    assert.equal(cloud.hub(hub).connected, 1);
    await until('the twin of this hub counts', measured(interval));
    assert.ok(cloud.log.count('registration') <= registrations + 2);
  });
}

test('Redis wiped under load: provisioned anew, and everything stored since arrives', async () => {
  await using whole = await startProvisioned('migrate');
  const { bed } = whole;
  bed.producer.start(PER_SECOND);
  await flows(bed);
  const before = epochsOf(bed.producer.appended);
  await bed.redis.client.flushall();
  await until(
    'the credentials are back',
    async () => (await bed.redis.client.exists('hub:credentials')) === 1,
    60_000,
  );
  await flows(bed);
  await bed.producer.stop();
  // Not by number: the answer to an append from before may come after the one to the wiping.
  const since = [...bed.producer.appended].filter((one) => !before.has(epochOf(one)));
  assert.ok(since.length > 0);
  await until('all of them', () => since.every((one) => bed.account.has(one)), 30_000);
  assert.deepEqual([bed.account.faults, [...bed.account.gaps.values()]], [[], []]);
});

test('tokens that live for seconds are renewed under load without loss or repeat', async () => {
  const tokens = { HUB_TOKEN_MINUTES: '0.3', HUB_TOKEN_RENEW_MINUTES: '0.15' };
  await using whole = await startProvisioned('migrate', tokens, PATIENT);
  const { bed } = whole;
  bed.producer.start(PER_SECOND);
  await until('two renewals', () => bed.logged('link_closed').length >= 2, 60_000);
  await flows(bed);
  await bed.producer.stop();
  await bed.assertNothingLost();
  assert.equal(bed.account.duplicates, 0);
  assert.deepEqual(bed.logged('link_down'), []);
});

test('the provisioner killed for good: the handler goes on alone through a failover of the hub', async () => {
  await using whole = await startProvisioned('migrate');
  const { bed, provisioner } = whole;
  bed.producer.start(PER_SECOND);
  await flows(bed);
  await provisioner.kill();
  bed.hub('hub-a').failOver(6_000);
  await bed.untilLink('failed');
  await bed.untilLink('connected');
  await flows(bed);
  await bed.producer.stop();
  await bed.assertNothingLost();
});
