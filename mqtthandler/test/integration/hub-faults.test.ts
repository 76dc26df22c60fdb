/** What a hub, the network to it, its tokens and its limits can do, at 100 readings/s. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '@holdfast/azure-lab';
import { until } from '@holdfast/lab/servers';
import { DEVICE, startHubBed } from './hub-bed.ts';
import type { HubBed } from './hub-bed.ts';

const PER_SECOND = 100;
/** A busy machine acknowledges late: where nothing may come twice, that is no dead connection. */
const PATIENT = { HUB_PUBACK_TIMEOUT_SECONDS: '20' };

/** Load, a fault, load again; then everything must have arrived. */
async function through(bed: HubBed, fault: () => Promise<unknown>): Promise<void> {
  bed.producer.start(PER_SECOND);
  await flows(bed);
  await fault();
  await flows(bed);
  await bed.producer.stop();
  await bed.assertNothingLost();
}

async function flows(bed: HubBed): Promise<void> {
  const before = bed.account.readings.size;
  await until('readings flow', () => bed.account.readings.size > before + 150, 60_000);
}

/** For so long: time is what is tested, there is nothing to wait for. */
function passes(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

test('a hub that is down for a while gets everything when it is back', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    await bed.hub().goDown();
    const link = await bed.untilLink('failed');
    assert.equal(link['outcome'], 'network');
    assert.ok(Number(link['failing_since_ms']) > Number(link['connected_ms']));
    await until('a second attempt', async () => Number((await bed.link())['attempt']) >= 3);
    await bed.hub().comeUp();
    const back = await bed.untilLink('connected');
    assert.equal(back['failing_since_ms'], '');
  });
});

test('a failover that drops everybody and refuses for a while loses nothing', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    bed.hub().failOver(3_000);
    const link = await bed.untilLink('failed');
    assert.equal(link['outcome'], 'connack_3');
    await bed.untilLink('connected');
  });
});

test('a device that is disabled reports the refusal, and goes on when it is enabled', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    bed.hub().registry.update(DEVICE, { enabled: false });
    const link = await bed.untilLink('failed');
    assert.equal(link['outcome'], 'connack_5');
    bed.hub().registry.update(DEVICE, { enabled: true });
    await bed.untilLink('connected');
  });
});

test('a new token is used at once, without a message sent twice or a gap', async () => {
  await using bed = await startHubBed({ env: PATIENT });
  await through(bed, async () => {
    for (let renewals = 1; renewals <= 2; renewals += 1) {
      await bed.publish('hub-a', { lifeSeconds: String(3_600 + renewals) });
      await bed.cloud.log.waitFor('connected', undefined, { after: bed.cloud.log.position });
    }
  });
  assert.equal(bed.account.duplicates, 0);
  assert.deepEqual(bed.logged('link_down'), []);
  assert.deepEqual(
    bed.logged('link_closed').map(({ reason }) => reason),
    ['token_renewed', 'token_renewed'],
  );
  // The longest time without a message is that of the reconnect.
  const times = bed.messages.map(({ message }) => message.atMs);
  const pauses = times.slice(1).map((ms, i) => ms - (times[i] ?? ms));
  assert.ok(Math.max(...pauses) < 10_000, `${Math.max(...pauses)} ms without a message`);
});

test('a token that expires without another one: the drop is reported, the next token is used', async () => {
  await using bed = await startHubBed({ start: false });
  await bed.assign('hub-a', { lifeSeconds: '8' });
  bed.handler.start();
  await through(bed, async () => {
    const link = await bed.untilLink('failed');
    assert.equal(link['outcome'], 'connack_5');
    await bed.publish('hub-a');
    await bed.untilLink('connected');
  });
});

test('messages that are taken and not acknowledged are sent again under the same name', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    bed.cloud.faults.add({ at: 'hub_publish', action: { kind: 'withhold' }, count: 20 });
    await until('the link is given up', () => bed.logged('link_down').length > 0);
  });
  assert.equal(bed.logged('link_down')[0]?.['reason'], 'puback_timeout');
  assert.ok(bed.account.duplicates > 0);
  const bodies = new Map<string, string>();
  for (const { message } of bed.messages) {
    const { messageId = '', sha256 } = message;
    assert.equal(bodies.get(messageId) ?? sha256, sha256, 'one name, one content');
    bodies.set(messageId, sha256);
  }
});

test('connections that break in the middle of sending lose nothing', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    for (const kind of ['close', 'process_and_close'] as const) {
      bed.cloud.faults.add({ at: 'hub_publish', action: { kind }, count: 2, skip: 5 });
    }
    await until('the faults have struck', () => bed.cloud.faults.active.length === 0, 40_000);
  });
});

test('moved to another hub under load: what the old one did not acknowledge goes to the new one', async () => {
  await using bed = await startHubBed({ env: PATIENT });
  bed.register('hub-b');
  await through(bed, async () => {
    await bed.assign('hub-b');
    await bed.cloud.log.waitFor('connected', ({ hub }) => hub === 'hub-b');
  });
  assert.equal(bed.hub('hub-a').connected, 0);
  assert.ok(bed.messages.some(({ hub }) => hub === 'hub-b'));
  assert.equal((await bed.link())['generation'], '2');
  assert.equal(bed.account.duplicates, 0);
});

test('thrown out by the old hub before the new one is known: nothing is lost on the way', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    bed.hub('hub-a').registry.delete(DEVICE);
    await bed.untilLink('failed');
    await until('readings wait', () => bed.producer.appended.size > bed.account.readings.size + 50);
    bed.register('hub-b');
    await bed.assign('hub-b');
    const link = await bed.untilLink('connected');
    assert.equal(link['attempt'], '1', 'a new place, a new count');
  });
});

test('a hub whose daily quota is used up is asked ever less often, and gets everything the next day', async () => {
  await using bed = await startHubBed();
  bed.producer.start(PER_SECOND);
  await flows(bed);
  bed.hub().limits = { dailyBlocks: 1 };
  const { position } = bed.cloud.log;
  await passes(15_000);
  const connects = bed.cloud.log.of('connected', position).length;
  // With a gap of 1 s at least, doubling: after 0, 1, 3, 7 s.
  assert.ok(connects >= 2 && connects <= 5, `${connects} connections in 15 s`);
  assert.equal((await bed.link())['outcome'], 'dropped');
  bed.hub().limits = {};
  await flows(bed);
  await bed.producer.stop();
  await bed.assertNothingLost();
});

test('a hub that throttles is sent less, until the connection stands', async () => {
  await using bed = await startHubBed({
    hubs: [{ name: 'hub-a', limits: { sendsPerSecond: 8, shapingMs: 0 } }],
  });
  bed.producer.start(PER_SECOND);
  await until('it was thrown out', () => bed.cloud.log.of('disconnected').length > 0);
  await until(
    'it stands',
    async () => {
      const before = bed.cloud.log.count('disconnected');
      await passes(8_000);
      return bed.cloud.log.count('disconnected') === before;
    },
    // How often it is thrown out before is chance: a minute as a rule, seldom two.
    300_000,
  );
  bed.hub().limits = {};
  await bed.producer.stop();
  await bed.assertNothingLost();
});

test('before the time the provisioner names no attempt is made', async () => {
  await using bed = await startHubBed({ start: false });
  const notBeforeMs = Date.now() + 4_000;
  await bed.publish('hub-a', { not_before_ms: String(notBeforeMs) });
  bed.handler.start();
  const { atMs } = await bed.cloud.log.waitFor('connected');
  assert.ok(atMs >= notBeforeMs);
});

for (const code of [1, 2, 3, 4, 5] as const) {
  test(`CONNACK ${code} is reported as such, and tried again`, async () => {
    await using bed = await startHubBed({ start: false });
    bed.cloud.faults.add({ at: 'hub_connect', action: { kind: 'connack', code }, count: 1 });
    bed.handler.start();
    const refused = await bed.handler.untilLine(/"connect_failed"/);
    const { code: told, delayMs } = JSON.parse(refused) as { code: string; delayMs: number };
    assert.equal(told, `connack_${code}`);
    assert.ok(delayMs <= 1_500, `${delayMs} ms`);
    await bed.untilLink('connected');
  });
}

test('a hub that closes before it answers, and a foreign authority, are the network', async () => {
  await using bed = await startHubBed({ start: false, env: { HUB_CA_CERTS: '' } });
  bed.handler.start();
  const link = await bed.untilLink('failed');
  assert.equal(link['outcome'], 'network');
  assert.match(link['detail'] ?? '', /certificate/);
  assert.equal(await bed.handler.stop(), 0);
});

test('killed and started again under load, it goes on where the hub has acknowledged', async () => {
  await using bed = await startHubBed();
  await through(bed, async () => {
    await bed.handler.kill();
    bed.handler.start();
    await flows(bed);
    await bed.handler.kill();
    bed.handler.start();
  });
});

test('Redis restarted under load: nothing is lost', async () => {
  await using bed = await startHubBed();
  await through(bed, () => bed.redis.restart());
});

test('Redis wiped: with the credentials back everything new arrives, over a connection that never broke', async () => {
  await using bed = await startHubBed();
  await bed.producer.produce(100);
  await bed.assertNothingLost();
  await bed.redis.client.flushall();
  await bed.producer.produce(100);
  await until('the new readings', () => bed.account.readings.size === 200);
  await bed.publish('hub-a');
  await bed.untilLink('connected');
  await bed.assertNothingLost();
});

for (const way of ['files', 'variables'] as const) {
  test(`a certificate from ${way} opens the connection instead of a token`, async () => {
    const authority = await createAuthority('authority of the devices');
    const { certificatePem, keyPem } = await authority.issueDevice(DEVICE);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-x509-'));
    const base64 = (pem: string) => Buffer.from(pem).toString('base64');
    const variables = { AZURE_CERT: base64(certificatePem), AZURE_PRIVATE_KEY: base64(keyPem) };
    await using bed = await startHubBed({
      start: false,
      assign: false,
      hubs: [{ name: 'hub-a', trustedAuthorities: [authority.certificatePem] }],
      env: way === 'variables' ? variables : {},
    });
    const files = { certfile: join(folder, 'cert.pem'), keyfile: join(folder, 'key.pem') };
    await writeFile(files.certfile, certificatePem);
    await writeFile(files.keyfile, keyPem);
    bed.hub().registry.create({
      deviceId: DEVICE,
      enabled: true,
      authentication: { kind: 'x509_ca' },
    });
    const named: Readonly<Record<string, string>> = way === 'files' ? files : {};
    await bed.assign('hub-a', { kind: 'x509', ...named });
    bed.handler.start();
    await bed.untilLink('connected');
    await bed.producer.produce(50);
    await bed.assertNothingLost();
    const connected = await bed.cloud.log.waitFor('connected');
    assert.equal(connected.attestation, 'x509');
    await rm(folder, { recursive: true });
  });
}
