/**
 * The gateway in its containers, on this machine's Docker engine: readings arrive, whatever is killed
 * comes back and nothing is lost, and the containers are as closed as the compose file says.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ComposeStack, docker, proportionalMb, writtenBytes } from '@holdfast/lab/containers';
import { freePort, until } from '@holdfast/lab/servers';
import { Deliveries } from '../../demo/src/core/deliveries.ts';
import { prove, proofLines } from '../../demo/src/core/proof.ts';
import { subscribe } from '../../demo/src/subscriber.ts';

/** Without those that cannot be built here, `grafana` where there is no image registry. */
const SERVICES = [
  'redis',
  'sensor',
  'startstopbutton',
  'mqtthandler',
  'provisioner',
  'grafana-api',
];
const NODE_SERVICES = SERVICES.filter((name) => name !== 'redis');
/** All services without Grafana, MB (docs/operation.md). */
const MEMORY_GOAL_MB = 220;
/** What each may take to end, seconds (contract, section 6). */
const STOP_SECONDS = 5;
const WATCHED_MS = 10_000;

const received = new Deliveries();
let stack: ComposeStack;
let unsubscribe: (() => Promise<void>) | undefined;

const ms = (sinceMs: number) => Math.round(performance.now() - sinceMs);
const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));

before(async () => {
  const port = await freePort();
  stack = await ComposeStack.create({
    files: ['docker-compose.yml', 'lab/containers/test/stack.yml'],
    env: { BROKER_PORT: String(port), PAGE_PORT: String(await freePort()) },
    project: 'holdfast-test',
  });
  // What a run that was killed has left.
  await stack[Symbol.asyncDispose]();
  const builtMs = performance.now();
  await stack.compose('build', ...SERVICES, 'simulator', 'broker');
  console.log(`images built in ${ms(builtMs)} ms`);
  await stack.up('broker');
  unsubscribe = await subscribe(port, (payload) => received.take(payload));
});

after(async () => {
  await unsubscribe?.();
  await stack?.[Symbol.asyncDispose]();
});

/** Waits until `count` more readings have arrived. */
async function untilMore(count: number): Promise<void> {
  const wanted = received.count + count;
  await until(`${count} more readings`, () => received.count >= wanted, 60_000);
}

/** What the engine's health check would find now. */
async function untilHealthy(service: string): Promise<void> {
  const verdict = async () => stack.exec(service, '/app/health.sh').catch(() => '');
  await until(`${service} is healthy`, async () => (await verdict()) === 'ok');
}

describe('the services in containers', () => {
  test('start in any order, and readings of the machine and of a chip arrive', async () => {
    const startedMs = performance.now();
    // Redis last: the others wait for it and for its passwords.
    await stack.compose('up', '-d', '--no-build', '--no-deps', ...NODE_SERVICES, 'simulator');
    await stack.up('redis');
    await untilMore(1);
    console.log(`first reading ${ms(startedMs)} ms after docker compose up`);
    const sensors = async () => {
      const entries = await stack.stream();
      return new Set(entries.map(([, fields]) => fields[fields.indexOf('_sensor') + 1]));
    };
    await until('both sensors', async () => {
      const seen = await sensors();
      return seen.has('host') && seen.has('bme280-1-76');
    });
  });

  test('are healthy by their own health checks', async () => {
    for (const service of NODE_SERVICES) await untilHealthy(service);
    await until(
      'Redis is healthy',
      async () => {
        const { State } = await stack.inspect('redis');
        return State.Health?.Status === 'healthy';
      },
      60_000,
    );
  });

  test('a press of the button stops and starts measuring', async () => {
    const press = async () =>
      stack.exec(
        'simulator',
        'node',
        'lab/src/hardware/main.ts',
        '/run/hardware/socket',
        '{"op":"gpio_press","line":17,"bounce":true}',
      );
    await press();
    await until('paused', async () => (await stack.redis('get', 'measurement:enabled')) === '0');
    await press();
    await until('measuring', async () => (await stack.redis('get', 'measurement:enabled')) === '1');
    await untilMore(5);
  });

  for (const service of ['sensor', 'mqtthandler', 'redis', 'startstopbutton', 'redis']) {
    test(`a killed ${service} comes back by itself, and readings go on arriving`, async () => {
      await untilMore(3);
      const { duplicates } = received;
      await stack.kill(service);
      await untilMore(10);
      console.log(`${received.duplicates - duplicates} readings came twice`);
      if (service !== 'redis') await untilHealthy(service);
    });
  }

  test('a broker that is frozen for a while gets everything afterwards', async () => {
    const broker = await stack.container('broker');
    await docker('pause', broker);
    const before = Number(await stack.redis('xlen', 'measurement:values'));
    await until(
      'twenty readings wait',
      async () => {
        return Number(await stack.redis('xlen', 'measurement:values')) >= before + 20;
      },
      60_000,
    );
    await docker('unpause', broker);
    await untilMore(20);
  });

  test('a stack that is stopped and started goes on where it was', async () => {
    await stack.compose('stop', ...SERVICES);
    await stack.compose('start', ...SERVICES);
    await untilMore(10);
  });

  test('an update that stops Redis before the sensor', async () => {
    await stack.compose('stop', 'redis');
    await pause(3_000);
    await stack.compose('stop', 'sensor');
    await stack.compose('start', 'redis', 'sensor');
    await until('readings of before', async () =>
      (await stack.lines('sensor')).some((line) => line.includes('readings_carried_over')),
    );
    await untilMore(10);
  });

  test('of all that, nothing is lost', async () => {
    await stack.compose('stop', 'sensor');
    await until(
      'the backlog is empty',
      async () => {
        const entries = await stack.stream();
        return (await stack.redis('get', 'mqtt_sender:last_id')) === entries.at(-1)?.[0];
      },
      60_000,
    );
    const proof = prove(await stack.stream(), received);
    console.log(proofLines(proof).join('\n'));
    await stack.compose('start', 'sensor');
    assert.ok(proof.produced > 50);
    assert.deepEqual(proof.lost, []);
    assert.equal(proof.recordedAsGap, 0);
  });
});

describe('what a container may do', () => {
  test('no program but the button runs as root, none has a capability or can get one', async () => {
    for (const service of SERVICES) {
      const { State } = await stack.inspect(service);
      const status = await stack.exec(
        service,
        'sh',
        '-c',
        'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = docker-init ] || cat $p/status; done 2>/dev/null',
      );
      assert.ok(State.Running);
      const main = status
        .split(/^(?=Name:)/m)
        .find((one) => /^Name:\s+(node|MainThread|redis-server)$/m.test(one));
      assert.ok(main !== undefined, `${service}: ${status}`);
      const uid = /^Uid:\s+(\d+)/m.exec(main)?.[1];
      assert.equal(uid === '0', service === 'startstopbutton', `${service} runs as ${uid}`);
      assert.match(main, /^CapEff:\s+0+$/m, service);
      assert.match(main, /^CapPrm:\s+0+$/m, service);
      assert.match(main, /^NoNewPrivs:\s+1$/m, service);
    }
  });

  test('its file system is read-only, and a password is there for its own service only', async () => {
    for (const service of SERVICES) {
      await assert.rejects(stack.exec(service, 'touch', '/etc/x'), /Read-only file system/);
    }
    for (const service of NODE_SERVICES) {
      const users = service === 'grafana-api' ? ['dashboard', 'grafana'] : [service];
      assert.equal(await stack.exec(service, 'ls', '/credentials'), users.join('\n'));
      const file = `/credentials/${users[0]}/password`;
      await assert.rejects(stack.exec(service, 'sh', '-c', `: >${file}`), /Read-only|denied/);
    }
  });

  test('nothing but Redis writes to a disk', async () => {
    const written = async () =>
      new Map(
        await Promise.all(
          SERVICES.map(
            async (name) => [name, await writtenBytes(await stack.container(name))] as const,
          ),
        ),
      );
    const before = await written();
    await pause(WATCHED_MS);
    const after = await written();
    for (const service of SERVICES) {
      const bytes = (after.get(service) ?? 0) - (before.get(service) ?? 0);
      console.log(`${service}: ${bytes} bytes written to disk in ${WATCHED_MS / 1000} s`);
      if (service === 'redis') assert.ok(bytes > 0);
      else assert.equal(bytes, 0);
    }
  });

  test(`all of them together need less than ${MEMORY_GOAL_MB} MB`, async () => {
    let total = 0;
    for (const service of SERVICES) {
      const mb = await proportionalMb(await stack.container(service));
      console.log(`${service}: ${mb.toFixed(1)} MB`);
      total += mb;
    }
    console.log(`together: ${total.toFixed(1)} MB, shared pages counted once`);
    assert.ok(total < MEMORY_GOAL_MB);
  });

  test('a service that hangs is ended by its health check and comes back', async () => {
    const hung = await stack.inspect('mqtthandler');
    const freeze =
      'kill -STOP $(pidof node || pgrep -x MainThread); echo "1 ok" >/run/holdfast/alive';
    await stack.exec('mqtthandler', 'sh', '-c', freeze);
    await stack.exec('mqtthandler', '/app/health.sh').catch(() => '');
    await until(
      'started again',
      async () => {
        const { RestartCount, State } = await stack.inspect('mqtthandler');
        return State.Running && RestartCount > hung.RestartCount;
      },
      30_000,
    );
    await untilMore(5);
  });

  test(`SIGTERM ends each within ${STOP_SECONDS} s with exit code 0`, async () => {
    for (const service of [...NODE_SERVICES, 'redis']) {
      const beganMs = performance.now();
      await docker('stop', '--time', '30', await stack.container(service));
      const { State } = await stack.inspect(service);
      console.log(`${service}: stopped in ${ms(beganMs)} ms`);
      assert.equal(State.ExitCode, 0, service);
      assert.ok(performance.now() - beganMs < STOP_SECONDS * 1_000, service);
    }
  });
});
