/** The life of the provisioner: killed, throttled, wiped, moved, asked, with every kind of proof. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Cloud } from '@holdfast/azure-lab';
import { dataFolder, removeFolder, service, until } from '@holdfast/lab/servers';
import { Bed, REGISTRATION_ID, startTestCloud } from './bed.ts';
import type { Fields } from './hub-client.ts';
import { HubClient } from './hub-client.ts';

describe('the provisioner', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startTestCloud();
  });
  after(() => cloud.close());

  const moveTo = (bed: Bed, hub: string, reprovisionPolicy = 'migrate') =>
    cloud.dps.enrol({
      registrationId: REGISTRATION_ID,
      iotHubs: [hub],
      reprovisionPolicy,
      attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: bed.key } },
    });
  const request = (bed: Bed, source = 'command') =>
    bed.redis.client.set('provisioning:request', `${Date.now()} ${source}`);

  test('later starts use what is stored and do not ask DPS', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    const asked = bed.asked().length;
    for (let i = 0; i < 5; i += 1) {
      const { expires_ms: before } = await bed.hub.credentials();
      const { written_monotonic_ms: writtenMs } = await bed.state();
      await bed.restart();
      await until('a token of this start', async () => {
        return (await bed.hub.credentials())['expires_ms'] !== before;
      });
      const { written_monotonic_ms: laterMs } = await bed.state();
      assert.ok(Number(laterMs) > Number(writtenMs), 'time goes on over a restart');
      assert.equal(await bed.hub.attempt(), 'ok');
      await bed.untilState('connected');
    }
    assert.equal(bed.asked().length, asked);
    assert.equal((await bed.hub.credentials())['generation'], '1');
  });

  test('without cache every start registers, no faster than the interval', async () => {
    await using bed = await Bed.create(cloud);
    const none = { PROVISIONING_CACHE: 'none' };
    bed.start(none);
    await bed.untilState('assigned');
    for (let i = 0; i < 3; i += 1) {
      await bed.restart(none);
      await bed.untilAsked(i + 2, 'registration');
      await bed.untilState('assigned');
    }
    for (const wait of bed.waits('registration')) assert.ok(wait >= 495, `${wait}`);
  });

  test('killed again and again before DPS has answered it slows down', async () => {
    await using bed = await Bed.create(cloud);
    const hang = cloud.faults.add({ at: 'dps_register', action: { kind: 'hang' } });
    const seenMs: number[] = [];
    const off = cloud.log.subscribe((event) => {
      if (event.event === 'fault' && event.at === 'dps_register') seenMs.push(event.atMs);
    });
    /** What each life has left behind: when the next registration may come, by those begun. */
    const nextMs = new Map<number, number>();
    const untilMs = Date.now() + 9_000;
    while (Date.now() < untilMs) {
      const before = seenMs.length;
      await bed.restart();
      await bed.process.untilLine(/"event":"started"/);
      const asked = () => seenMs.length > before;
      await until('a registration', asked, 1_000).catch(() => {});
      const { state, attempt, next_attempt_ms: next } = await bed.state();
      const begun = Number(attempt) + (state === 'registering' ? 1 : 0);
      if (begun > 0) nextMs.set(begun, Number(next));
    }
    off();
    assert.ok(seenMs.length >= 2 && seenMs.length <= 7, `${seenMs.length} registrations`);
    assert.ok(nextMs.size >= 2, `${nextMs.size} times`);
    // By the clock of this machine, all of them; the time that is stored is rounded.
    for (const [begun, atMs] of nextMs) {
      const seenAtMs = seenMs[begun] ?? Infinity;
      assert.ok(seenAtMs >= atMs - 5, `${begun}: ${seenAtMs - atMs}`);
      const wait = atMs - (nextMs.get(begun - 1) ?? seenMs[0] ?? 0);
      if (begun > 1) assert.ok(wait >= Math.min(2_000, 200 * 2 ** (begun - 1)) - 5, `${wait}`);
    }
    hang.remove();
    await bed.restart();
    await bed.untilState('assigned');
  });

  test('killed while assigning it polls the same operation', async () => {
    await using bed = await Bed.create(cloud);
    cloud.dps.settings.pollsUntilAssigned = 4;
    bed.start();
    for (let i = 0; i < 3; i += 1) {
      await bed.untilState('assigning');
      await bed.untilAsked(i + 1, 'poll');
      await bed.restart();
    }
    cloud.dps.settings.pollsUntilAssigned = 0;
    await bed.untilState('assigned');
    assert.equal(bed.asked('registration').length, 1);
    const operations = new Set(bed.asked('poll').map(({ operationId }) => operationId));
    assert.equal(operations.size, 1);
  });

  test('killed in every other state it goes on where it was', async () => {
    await using bed = await Bed.create(cloud);
    const slow = { HUB_RETRY_MINUTES: '0.05' };
    const killed = async (state: string, reason?: string) => {
      await bed.untilState(state, reason);
      await bed.restart(slow);
      await bed.process.untilLine(/"event":"started"/);
    };
    const busy = cloud.faults.add({ at: 'dps_register', action: { kind: 'status', status: 503 } });
    bed.start(slow);
    await killed('waiting', 'dps_busy');
    busy.remove();
    await killed('assigned');
    await bed.untilState('assigned');
    assert.equal(await bed.hub.attempt(), 'ok');
    await killed('connected');
    await bed.untilState('connected');
    const refuse = cloud.faults.add({ at: 'hub_connect', action: { kind: 'close' } });
    const lookups = cloud.faults.add({ at: 'dps_lookup', action: { kind: 'hang' } });
    await bed.hub.attempt();
    await killed('hub_failing');
    await killed('looking_up');
    lookups.remove();
    await bed.untilAsked(1, 'lookup');
    refuse.remove();
    assert.equal(await bed.hub.attempt(), 'ok');
    await bed.untilState('connected');
    assert.equal((await bed.hub.credentials())['generation'], '1');
    assert.ok(bed.asked('registration').length <= 6);
  });

  test('what a wiped Redis has lost is written again, without a registration', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    const before = await bed.hub.credentials();
    const asked = bed.asked().length;
    for (const wipe of [
      () => bed.redis.client.flushall(),
      () => bed.redis.client.del('hub:credentials'),
      () => bed.redis.client.del('provisioning:state'),
      () => bed.redis.client.hset('hub:credentials', 'generation', '77'),
    ]) {
      await wipe();
      await until('it is whole again', async () => {
        const [state, { generation, sas_token: token }] = [
          await bed.state(),
          await bed.hub.credentials(),
        ];
        return state['memory'] !== undefined && generation === '1' && token === before['sas_token'];
      });
    }
    assert.equal(bed.asked().length, asked);
    assert.equal(await bed.hub.attempt(), 'ok');
  });

  test('a wiped Redis and a restart are one registration and a new generation', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    await bed.process.kill();
    const { generation = '' } = await bed.hub.credentials();
    await bed.redis.client.flushall();
    await bed.hub.report('connected', 'ok', generation);
    bed.start();
    await bed.hub.credentials(2);
    assert.equal(bed.asked('registration').length, 2);
  });

  test('a Redis that restarts, and one that is away, are waited for', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    await bed.redis.restart();
    assert.equal(await bed.hub.attempt(), 'ok');
    await bed.redis.process.kill();
    await bed.process.untilLine(/"event":"redis_error"/);
    const asked = bed.asked().length;
    await bed.redis.restart();
    await request(bed);
    await bed.untilAsked(asked + 1, 'registration', 'poll', 'lookup');
    await bed.untilState('connected');
  });

  test('nothing is asked while Redis cannot remember that it was', async () => {
    await using bed = await Bed.create(cloud);
    await bed.redis.process.kill();
    bed.start();
    await bed.process.untilLine(/"event":"redis_error"/);
    assert.equal(bed.asked().length, 0);
    await bed.redis.restart();
    await bed.untilState('assigned');
    bed.redis.process.freeze();
    cloud.hub('hub-a').dropConnections();
    bed.redis.process.thaw();
    assert.equal(bed.asked('registration').length, 1);
  });

  for (const policy of ['migrate', 'reset', 'never']) {
    test(`moved with the policy ${policy}: found on request`, async () => {
      await using bed = await Bed.create(cloud);
      await bed.connect();
      moveTo(bed, 'hub-b', policy);
      await request(bed);
      await bed.untilAsked(2, 'registration');
      const moved = policy !== 'never';
      const { host } = await bed.hub.credentials(moved ? 2 : 1);
      await bed.untilState(moved ? 'assigned' : 'connected');
      assert.equal(host, cloud.hub(moved ? 'hub-b' : 'hub-a').host);
      assert.equal(await bed.hub.attempt(), 'ok');
      const { substatus } = await bed.redis.client.hgetall('hub:assignment');
      const words = { migrate: 'deviceDataMigrated', reset: 'deviceDataReset' }[policy];
      if (words !== undefined) assert.equal(substatus, words);
    });
  }

  test('requests that do not stop become few registrations', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect({ DPS_INTERVAL_SECONDS: '1' });
    const untilMs = Date.now() + 8_000;
    while (Date.now() < untilMs) {
      await request(bed, 'dashboard');
      await until(
        'it is taken',
        async () => (await bed.redis.client.get('provisioning:request')) === null,
      );
    }
    const waits = bed.waits('registration');
    assert.ok(waits.length >= 2 && waits.length <= 5, `${waits.length}`);
    for (const wait of waits) assert.ok(wait >= 995, `${wait}`);
    await bed.untilState('connected');
  });

  test('the payload of a custom allocation arrives, and DPS is told about the device', async () => {
    await using bed = await Bed.create(cloud);
    let told: unknown;
    const { attestation } = cloud.dps.enrol(
      { registrationId: REGISTRATION_ID, iotHubs: ['hub-a', 'hub-b'] },
      (asked) => {
        told = asked;
        return { iotHubHostName: cloud.hub('hub-b').host, payload: { site: 'nursery', every: 5 } };
      },
    );
    const key = attestation.kind === 'symmetric_key' ? attestation.primaryKey : '';
    bed.start({ DPS_SYMMETRIC_KEY: key, DPS_PAYLOAD: '{"model":"pi"}' });
    await bed.untilState('assigned');
    const { payload = '', host } = await bed.redis.client.hgetall('hub:assignment');
    assert.deepEqual(JSON.parse(payload), { site: 'nursery', every: 5 });
    assert.equal(host, cloud.hub('hub-b').host);
    assert.match(JSON.stringify(told), /"model":"pi"/);
  });

  test('the token is renewed in time, again and again, without DPS', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect({ HUB_TOKEN_MINUTES: '0.08', HUB_TOKEN_RENEW_MINUTES: '0.05' });
    const seen: Fields[] = [];
    await until('five tokens', async () => {
      const now = await bed.hub.credentials();
      assert.ok(Number(now['expires_ms']) > Date.now(), 'an expired token stood there');
      if (now['sas_token'] !== seen.at(-1)?.['sas_token']) seen.push(now);
      return seen.length >= 5;
    });
    assert.deepEqual(new Set(seen.map(({ generation }) => generation)), new Set(['1']));
    assert.equal(await bed.hub.attempt(), 'ok');
    assert.equal(bed.asked('registration').length, 1);
  });

  test('a key that was rotated is refused, and works when the variable is changed', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    const primaryKey = Buffer.alloc(32, 7).toString('base64');
    const attestation = { type: 'symmetricKey', symmetricKey: { primaryKey } };
    cloud.dps.enrol({ registrationId: REGISTRATION_ID, iotHubs: ['hub-a'], attestation });
    await request(bed);
    await bed.untilEvent('provisioning_refused');
    await bed.untilState('connected');
    const { expires_ms: before } = await bed.hub.credentials();
    await bed.restart({ DPS_SYMMETRIC_KEY: primaryKey });
    await until('a token of the new key', async () => {
      return (await bed.hub.credentials())['expires_ms'] !== before;
    });
    // The hub still has the old key: refused twice, then registered, which brings the new one there.
    await bed.hub.attempt();
    await bed.untilState('hub_refused');
    await bed.hub.attempt();
    await bed.untilAsked(3, 'registration');
    await bed.untilState('assigned');
    assert.equal(await bed.hub.attempt(), 'ok');
  });

  test('a certificate in files is named to the mqtthandler, one in variables is not', async () => {
    await using bed = await Bed.create(cloud);
    const dir = dataFolder('certificate');
    const pair = await cloud.authority.issueDevice(REGISTRATION_ID);
    const files = { certfile: join(dir, 'cert.pem'), keyfile: join(dir, 'key.pem') };
    writeFileSync(files.certfile, pair.certificatePem);
    writeFileSync(files.keyfile, pair.keyPem);
    cloud.dps.enrol({ registrationId: REGISTRATION_ID, iotHubs: ['hub-a'], attestation: 'x509' });
    const proof = { cert: pair.certificatePem, key: pair.keyPem };
    await using hub = disposable(new HubClient(bed.redis, cloud.ca, proof));
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    for (const [more, expected] of [
      [{ DPS_X509_CERTFILE: files.certfile, DPS_X509_KEYFILE: files.keyfile }, files],
      [
        {
          DPS_X509_CERTFILE_BASE64: base64(pair.certificatePem),
          DPS_X509_KEYFILE_BASE64: base64(pair.keyPem),
        },
        {},
      ],
    ] as const) {
      await bed.redis.client.flushall();
      // Without a registration id its common name counts.
      await bed.restart({ ...more, DPS_SYMMETRIC_KEY: '', DPS_REGISTRATION_ID: '' });
      await bed.untilState('assigned');
      const { kind, certfile, keyfile, sas_token: token } = await hub.client.credentials();
      assert.equal(kind, 'x509');
      assert.deepEqual(JSON.parse(JSON.stringify({ certfile, keyfile })), expected);
      assert.equal(token, undefined);
      assert.equal(await hub.client.attempt(), 'ok');
    }
    removeFolder(dir);
  });

  test('over MQTT it registers, is throttled, refused and cut off as over HTTPS', async () => {
    await using bed = await Bed.create(cloud);
    const more = {
      DPS_TRANSPORT: 'mqtt',
      DPS_ENDPOINT: cloud.dps.mqttEndpoint,
      FLEET_DEVICES: '16',
    };
    const retryAfter = { seconds: 2 };
    for (const action of [
      { kind: 'status', status: 429, retryAfter },
      { kind: 'status', status: 503 },
      { kind: 'close' },
      { kind: 'process_and_close' },
      { kind: 'body', text: 'no JSON' },
    ] as const) {
      cloud.faults.add({ at: 'dps_register', count: 1, action });
    }
    cloud.faults.add({ at: 'dps_connect', count: 1, action: { kind: 'connack', code: 3 } });
    cloud.faults.add({ at: 'dps_poll', count: 1, action: { kind: 'close' } });
    bed.start(more);
    await bed.untilState('assigned', undefined, 60_000);
    assert.equal(await bed.hub.attempt(), 'ok');
    assert.equal(bed.process.running, true);
    assert.ok(bed.asked('registration').every(({ transport }) => transport === 'mqtt'));
    const throttled = bed.asked('registration').findIndex(({ status }) => status === 429);
    assert.ok((bed.waits('registration')[throttled] ?? 0) >= 2_000);
    const wrong = { ...more, DPS_SYMMETRIC_KEY: Buffer.alloc(32, 1).toString('base64') };
    await bed.redis.client.flushall();
    await bed.restart(wrong);
    await bed.untilState('blocked', 'key_refused');
  });

  test('fixed assignments: a connection string, and the variables of the Azure tools of balena', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    const asked = bed.asked().length;
    const off = { DPS_ID_SCOPE: '' };
    const text = cloud.hub('hub-a').connectionString(REGISTRATION_ID);
    await bed.restart({ ...off, HUB_CONNECTION_STRING: text });
    await until('the source', async () => {
      return (await bed.redis.client.hget('hub:assignment', 'source')) === 'connection_string';
    });
    assert.equal(await bed.hub.attempt(), 'ok');
    await request(bed, 'button');
    await bed.untilEvent('reprovision_without_dps');
    const { certificatePem, keyPem } = await cloud.authority.issueDevice('pi-1');
    const base64 = (pem: string) => Buffer.from(pem).toString('base64');
    const { host } = cloud.hub('hub-b');
    const variables = {
      AZURE_HUB_HOST: host,
      AZURE_CERT: base64(certificatePem),
      AZURE_PRIVATE_KEY: base64(keyPem),
    };
    await bed.restart({ ...off, ...variables });
    const given = await bed.hub.credentials(2);
    assert.deepEqual([given['host'], given['device_id'], given['kind']], [host, 'pi-1', 'x509']);
    await bed.restart(off);
    await until(
      'nothing',
      async () => (await bed.redis.client.exists('hub:credentials', 'hub:assignment')) === 0,
    );
    await until('off', async () => (await bed.status())['state'] === 'off');
    assert.equal(bed.asked().length, asked);
  });

  test('no secret is logged or stands where others read', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    await request(bed);
    await bed.untilAsked(2, 'registration');
    const { sas_token: token = 'missing' } = await bed.hub.credentials();
    assert.equal(await bed.process.stop(), 0);
    const { client } = bed.redis;
    const open = [
      bed.logged,
      await bed.state(),
      await bed.status(),
      await bed.events(),
      await client.hgetall('hub:assignment'),
    ];
    const text = JSON.stringify(open);
    const signature = /sig=([^&]+)/.exec(token)?.[1] ?? 'missing';
    for (const secret of [bed.key, encodeURIComponent(bed.key), token, signature, 'SharedAccess']) {
      assert.ok(!text.includes(secret), secret);
    }
    assert.equal((await bed.status())['state'], 'stopped');
  });

  test('it needs no more rights in Redis than these', async () => {
    await using bed = await Bed.create(cloud);
    const rules = [
      'on >secret resetkeys -@all +auth +hello +ping +info +select +client|setname'.split(' '),
      '+multi +exec'.split(' '),
      '(+get +hmget +hgetall +del +hset +eval +evalsha ~provisioning:* ~hub:* ~provisioner:*)',
      '(+hget +hgetall %R~hub_sender:link)',
      '(+xadd %W~events) (+hset ~provisioner:status)'.split(/ (?=\()/),
    ].flat();
    await bed.redis.client.call('ACL', 'SETUSER', 'provisioner', ...rules);
    await bed.connect({ REDIS_USERNAME: 'provisioner', REDIS_PASSWORD: 'secret' });
    await request(bed);
    await bed.untilAsked(2, 'registration');
    await bed.untilEvent('reprovision_taken');
    assert.equal((await bed.status())['hub'], 'connected');
  });

  test('SIGTERM ends it with 0 in the middle of a question, and without Redis', async () => {
    await using bed = await Bed.create(cloud);
    cloud.faults.add({ at: 'dps_register', action: { kind: 'hang' } });
    bed.start();
    await bed.untilState('registering');
    assert.equal(await bed.process.stop(), 0);
    await bed.redis.process.kill();
    bed.start();
    await bed.process.untilLine(/"event":"redis_error"/);
    assert.equal(await bed.process.stop(), 0);
  });

  test('unusable configuration ends it with 78 and one line', async () => {
    const [one, other] = [
      await cloud.authority.issueDevice('pi-1'),
      await cloud.authority.issueDevice('pi-2'),
    ];
    const spaced = await cloud.authority.issueDevice('my pi');
    const base64 = (pem: string) => Buffer.from(pem).toString('base64');
    const sealed = (cert: string, key: string) => ({
      DPS_ID_SCOPE: '0ne',
      DPS_X509_CERTFILE_BASE64: base64(cert),
      DPS_X509_KEYFILE_BASE64: base64(key),
    });
    const fixed = (cert: string, key: string) => ({
      AZURE_HUB_HOST: 'h.azure-devices.net',
      AZURE_CERT: base64(cert),
      AZURE_PRIVATE_KEY: base64(key),
    });
    const pair = /certificate and its key do not belong together/;
    for (const [env, words] of [
      [{ DPS_ID_SCOPE: '0ne' }, /DPS_SYMMETRIC_KEY/],
      [{ DPS_ID_SCOPE: '0ne', HUB_CONNECTION_STRING: 'x' }, /only one/],
      [{ HUB_CONNECTION_STRING: 'HostName=a;SharedAccessKey=geheim' }, /\(hidden\)/],
      [sealed(one.certificatePem, other.keyPem), pair],
      [sealed(one.certificatePem, one.certificatePem), /DPS_X509_KEYFILE/],
      [fixed(one.certificatePem, other.keyPem), pair],
      [fixed(one.certificatePem, one.certificatePem), /AZURE_PRIVATE_KEY/],
      [sealed(spaced.certificatePem, spaced.keyPem), /"my pi".*DPS_REGISTRATION_ID/],
      [
        {
          DPS_ID_SCOPE: '0ne',
          DPS_SYMMETRIC_KEY: Buffer.alloc(32).toString('base64'),
          BALENA_DEVICE_UUID: 'my pi',
        },
        /"my pi".*DPS_REGISTRATION_ID/,
      ],
    ] as const) {
      const process = service('provisioner', env);
      process.start();
      assert.equal(await process.exited(), 78);
      assert.equal(process.lines.length, 1);
      assert.match(process.lines[0] ?? '', words);
      assert.doesNotMatch(process.lines[0] ?? '', /geheim|-----BEGIN|LS0tLS/);
    }
  });
});

function disposable(client: HubClient): AsyncDisposable & { readonly client: HubClient } {
  return { client, [Symbol.asyncDispose]: () => client.close() };
}
