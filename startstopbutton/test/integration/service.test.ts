import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFaultProxy } from '@holdfast/lab/fault-proxy';
import { freePort, service, until } from '@holdfast/lab/servers';
import { Device } from './device.ts';

test('a 10 ms press toggles once, a bouncing one once, and the event says who it was', async () => {
  await using device = await Device.start();
  await device.button();
  await device.press(2, 10, false);
  await device.untilToggles(1);
  assert.equal(await device.enabled(), '0');
  await device.press(2, 60, true);
  const events = await device.untilToggles(2);
  assert.equal(await device.enabled(), '1');
  assert.deepEqual(events, [
    { service: 'startstopbutton', event: 'measuring_stopped', source: 'button' },
    { service: 'startstopbutton', event: 'measuring_started', source: 'button' },
  ]);
  const status = await device.redis.client.hgetall('startstopbutton:status');
  assert.equal(status['state'], 'ready');
  assert.equal(status['presses'], '2');
  assert.equal(status['backend'], 'simulator');
  assert.match(status['started'] ?? '', /^\d{4}-\d\d-\d\dT/);
});

test('fifty presses, bouncing or not, are fifty toggles', async () => {
  await using device = await Device.start();
  await device.button();
  for (let i = 0; i < 50; i += 1) {
    await device.press(2, 5, i % 2 === 0);
  }
  await device.untilToggles(50);
  assert.equal(await device.enabled(), '1');
});

test('two buttons pressed at the same time never lose a toggle', async () => {
  await using device = await Device.start();
  await device.button({ BUTTON_PIN: '2' });
  await device.button({ BUTTON_PIN: '17', BUTTON_PULL_UP_DOWN: 'DOWN', BUTTON_EVENT: 'RAISING' });
  const hammer = async (line: number) => {
    for (let i = 0; i < 21; i += 1) await device.press(line, 5, false);
  };
  await Promise.all([hammer(2), hammer(17)]);
  const events = await device.untilToggles(42);
  for (const [i, { event }] of events.entries()) {
    assert.equal(event, i % 2 === 0 ? 'measuring_stopped' : 'measuring_started');
  }
});

test('a press while Redis is down is carried out when it is back', async () => {
  await using device = await Device.start();
  const button = await device.button();
  await device.redis.process.kill();
  await button.untilLine(/"event":"redis_error"/);
  await device.press(2, 10, true);
  await device.redis.restart();
  await device.untilToggles(1);
  assert.equal(await device.enabled(), '0');
  const status = await device.redis.client.hgetall('startstopbutton:status');
  assert.equal(status['state'], 'ready');
});

test('a press that waited too long for Redis is recorded with its age instead', async () => {
  await using device = await Device.start();
  const button = await device.button();
  await device.redis.process.kill();
  await button.untilLine(/"event":"redis_error"/);
  await device.press(2, 10, true);
  const pressedMs = performance.now();
  await until('the press is old', () => performance.now() - pressedMs > 5_100);
  await device.redis.restart();
  const discarded = await until('the event', async () =>
    (await device.events()).find(({ event }) => event === 'press_discarded'),
  );
  assert.ok(Number(discarded['age_ms']) > 5_000, JSON.stringify(discarded));
  assert.equal(discarded['source'], 'button');
  assert.equal(await device.enabled(), null);
  await device.press(2, 10, true);
  await device.untilToggles(1);
});

test('a press whose answer is cut off on its way back toggles once', async () => {
  await using device = await Device.start();
  await using proxy = await startFaultProxy({ targetPort: device.redis.port });
  const button = await device.button({ REDIS_PORT: String(proxy.port) });
  await until('the status', async () =>
    device.redis.client.hget('startstopbutton:status', 'state'),
  );
  let broken = 0;
  proxy.setRule((chunk) => {
    if (!/eval/i.test(chunk.toString('latin1')) || broken >= 3) return 'forward';
    broken += 1;
    return 'close_after';
  });
  await device.press(2, 10, true);
  await button.untilLine(/"event":"toggled"/);
  assert.equal(broken, 3);
  await device.untilToggles(1);
  assert.equal(await device.enabled(), '0');
});

test('it needs no more rights in Redis than these', async () => {
  await using device = await Device.start();
  const rules = [
    'on >secret resetkeys -@all +auth +hello +ping +info +select +client|setname'.split(' '),
    '(+eval +evalsha ~measurement:enabled ~events ~startstopbutton:status ~provisioning:request)',
    '(+set %W~provisioning:request)',
    '(+hgetall %R~sensor:status %R~mqtthandler:status)',
    '(+get +set ~measurement:enabled)',
    '(+xadd %W~events)',
    '(+hget +hset ~startstopbutton:status)',
  ].flat();
  await device.redis.client.call('ACL', 'SETUSER', 'button', ...rules);
  await device.button({ REDIS_USERNAME: 'button', REDIS_PASSWORD: 'secret' });
  await device.press(2, 10, true);
  await device.untilToggles(1);
  assert.equal(await device.enabled(), '0');
  const status = () => device.redis.client.hget('startstopbutton:status', 'state');
  await until('the status', async () => (await status()) === 'ready');
  await device.unplugHardware();
  await until('the event', async () =>
    (await device.events()).some(({ event }) => event === 'button_lost'),
  );
  await device.plugHardware();
});

test('the order of starting does not matter', async () => {
  await using device = await Device.start();
  await device.unplugHardware();
  const port = await freePort();
  const proxyTo = device.redis.port;
  const button = device.process({ REDIS_PORT: String(port) });
  button.start();
  await button.untilLine(/"event":"line_missing"/);
  await button.untilLine(/"event":"redis_error"/);
  await device.plugHardware();
  await button.untilLine(/"event":"line_opened"/);
  await using _proxy = await startFaultProxy({ targetPort: proxyTo, port });
  await device.press(2, 10, true);
  await device.untilToggles(1);
});

test('a line that goes away is reported, looked for, and works again', async () => {
  await using device = await Device.start();
  const button = await device.button();
  await device.unplugHardware();
  const lost = await until('the event', async () =>
    (await device.events()).find(({ event }) => event === 'button_lost'),
  );
  assert.deepEqual([lost['service'], lost['pin']], ['startstopbutton', '2']);
  const state = () => device.redis.client.hget('startstopbutton:status', 'state');
  await until('the status', async () => (await state()) === 'missing');
  await device.plugHardware();
  await until('the event', async () =>
    (await device.events()).some(({ event }) => event === 'button_found'),
  );
  await until('the status', async () => (await state()) === 'ready');
  await device.press(2, 10, true);
  await device.untilToggles(1);
  assert.ok(button.running);
});

test('without GPIO the service stays, and says why', async () => {
  await using device = await Device.start();
  const button = device.process({ HARDWARE_SIMULATOR: '' });
  button.start();
  await button.untilLine(/"event":"line_missing"/);
  const status = async () => device.redis.client.hgetall('startstopbutton:status');
  await until('the status', async () => (await status())['state'] === 'missing');
  assert.match((await status())['last_error'] ?? '', /gpio/i);
  assert.equal(await button.stop(), 0);
});

test('SIGTERM ends it with 0, with and without Redis, also with a press in hand', async () => {
  await using device = await Device.start();
  const state = () => device.redis.client.hget('startstopbutton:status', 'state');
  const first = await device.button();
  await until('the status', async () => (await state()) === 'ready');
  assert.equal(await first.stop(), 0);
  await until(
    'the status',
    async () => (await device.redis.client.hget('startstopbutton:status', 'state')) === 'stopped',
  );
  const second = await device.button();
  await device.redis.process.kill();
  await second.untilLine(/"event":"redis_error"/);
  await device.press(2, 10, true);
  await device.rest(2);
  assert.equal(await second.stop(), 0);
  await second.untilLine(/"event":"presses_abandoned"/);
  const third = await device.button();
  await device.redis.restart();
  device.redis.process.freeze();
  await device.press(2, 10, true);
  assert.equal(await third.stop(), 0);
});

test('unusable values end it with 78 and one line that names them all', async () => {
  const button = service('startstopbutton', { BUTTON_PIN: '54', BUTTON_EVENT: 'SOMETIMES' });
  button.start();
  assert.equal(await button.exited(), 78);
  await until('the line', () => button.lines.length > 0);
  assert.equal(button.lines.length, 1);
  assert.match(button.lines[0] ?? '', /BUTTON_PIN is "54".*BUTTON_EVENT is "SOMETIMES"/);
});
