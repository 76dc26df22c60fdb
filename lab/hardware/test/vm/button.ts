/** The real button service on both interfaces of the kernel. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import type { ManagedProcess } from '@holdfast/lab/servers';
import { lineState, play, press } from './gpio.ts';
import { SLOW_MS, World } from './world.ts';

const [PIN, LED] = [2, 22];
const LONG_MS = 2_000;
/** The processor is translated and shared: what takes microseconds on a Pi can take 20 ms here. */
const BOUNCE_MS = 150;

let world: World;
const enabled = () => world.redis.client.get('measurement:enabled');

async function untilToggles(count: number): Promise<void> {
  const toggles = async () =>
    (await world.events()).filter(({ event }) => event?.startsWith('measuring_')).length;
  await until(`${count} toggles`, async () => (await toggles()) >= count, SLOW_MS);
  assert.equal(await toggles(), count);
}

/** The rest after which the next press counts. */
async function quiet(): Promise<void> {
  await play(PIN, `z@${3 * BOUNCE_MS * 1_000} z`);
}

/** The same on each interface. */
export function testButton(backend: 'sysfs' | 'chardev', name: string): void {
  describe(`button on ${name}`, () => {
    let button: ManagedProcess;
    before(async () => {
      world = await World.start();
      const env = {
        BUTTON_PIN: String(PIN),
        LED_PIN: String(LED),
        GPIO_BACKEND: backend,
        BUTTON_BOUNCE_MILLIS: String(BOUNCE_MS),
        BUTTON_LONG_PRESS_SECONDS: String(LONG_MS / 1_000),
      };
      button = await world.start('startstopbutton', env, /"event":"line_opened"/);
    });
    after(async () => world[Symbol.asyncDispose]());

    const untilLamp = async (level: number) =>
      until(`the LED at ${level}`, async () => (await lineState(LED))?.level === level, SLOW_MS);

    test('the LED lights while measuring', async () => {
      await untilLamp(1);
      const status = await world.status('startstopbutton');
      assert.equal(status['backend'], name);
      assert.equal(status['state'], 'ready');
    });

    test('a bouncing press toggles once, and the LED shows it', async () => {
      const before = (await lineState(PIN))?.edges ?? 0;
      await press(PIN, 250);
      await untilToggles(1);
      assert.equal(await enabled(), '0');
      await untilLamp(0);
      assert.equal((await lineState(PIN))?.edges, before + 22);
    });

    test('a press of 10 ms toggles once', async () => {
      await quiet();
      await press(PIN, 10, 0);
      await untilToggles(2);
      assert.equal(await enabled(), '1');
      await untilLamp(1);
    });

    test('a long press asks for provisioning while it is held, and toggles nothing', async () => {
      await quiet();
      await play(PIN, '0@700 z@400 0');
      await world.untilEvent('reprovision_requested', 1, { source: 'button' });
      await play(PIN, 'z@500 0@300 z');
      await quiet();
      assert.match((await world.redis.client.get('provisioning:request')) ?? '', /^\d{13} button$/);
      await press(PIN, 50);
      await untilToggles(3);
      await world.untilEvent('reprovision_requested', 1);
    });

    test('the LED blinks while readings pile up', async () => {
      await quiet();
      await press(PIN, 50);
      await untilToggles(4);
      const { client } = world.redis;
      await client.hset('mqtthandler:status', { backlog: '40', mqtt_state: 'waiting' });
      for (const level of [0, 1, 0, 1]) await untilLamp(level);
      await client.hset('mqtthandler:status', { backlog: '0' });
    });

    test('the lines are free when it has ended', async () => {
      assert.equal(await button.stop(), 0);
      assert.equal((await lineState(LED))?.level, 0);
      const status = await world.status('startstopbutton');
      assert.equal(status['state'], 'stopped');
      assert.equal(status['presses'], '5');
    });
  });
}
