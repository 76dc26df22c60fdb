import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { Device } from './device.ts';

const LED = 22;

test('a long press asks for provisioning once and toggles nothing, a short one after it toggles', async () => {
  await using device = await Device.start();
  await device.button({ BUTTON_LONG_PRESS_SECONDS: '1' });
  await device.press(2, 1_200, true);
  const requested = await until('the event', async () =>
    (await device.events()).find(({ event }) => event === 'reprovision_requested'),
  );
  assert.equal(requested['source'], 'button');
  const request = await device.redis.client.get('provisioning:request');
  assert.match(request ?? '', /^\d{13} button$/);
  assert.equal(await device.enabled(), null);
  await device.press(2, 10, true);
  await device.untilToggles(1);
  const requests = (await device.events()).filter(({ event }) => event === 'reprovision_requested');
  assert.equal(requests.length, 1);
});

test('the LED is on while measuring, off while paused, and blinks while readings pile up', async () => {
  await using device = await Device.start();
  const button = await device.button({ LED_PIN: String(LED) });
  const untilLevel = async (level: number) =>
    until(`the LED at ${level}`, async () => (await device.hand.level(LED)) === level);
  await untilLevel(1);
  await device.press(2, 10, true);
  await untilLevel(0);
  await device.press(2, 10, true);
  await untilLevel(1);
  const { client } = device.redis;
  await client.hset('mqtthandler:status', { backlog: '3', mqtt_state: 'waiting' });
  for (const level of [0, 1, 0, 1]) await untilLevel(level);
  assert.equal(await button.stop(), 0);
  assert.equal(await device.hand.level(LED), 0);
});

test('a sensor on the wires of the button is told once, with what to set', async () => {
  await using device = await Device.start();
  const button = await device.button();
  await device.redis.client.hset('sensor:status', { 'sensor:bme280-1-76': 'ok', readings: '1' });
  const line = await button.untilLine(/"event":"pin_conflict"/);
  assert.match(line, /i2c_gpio_sda=23/);
  const conflict = await until(
    'the status',
    async () =>
      (await device.redis.client.hget('startstopbutton:status', 'pin_conflict')) || undefined,
  );
  assert.match(conflict, /bme280-1-76/);
  const told = (await device.events()).filter(({ event }) => event === 'pin_conflict');
  assert.equal(told.length, 1);
});
