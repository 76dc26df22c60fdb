import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REMEDIES, conflictText, disturbedSensors } from '../../src/core/pin-conflict.ts';
import { pullAdvice } from '../../src/core/pull.ts';

test('a pull that is there at power-on, or by a resistor on the board, needs no advice', () => {
  for (const pull of ['UP', 'DOWN', 'NONE'] as const) assert.equal(pullAdvice(2, pull), undefined);
  assert.equal(pullAdvice(4, 'UP'), undefined);
  assert.equal(pullAdvice(17, 'DOWN'), undefined);
});

test('any other pull comes with the exact values for config.txt and for balena', () => {
  const advice = pullAdvice(17, 'UP');
  assert.equal(advice?.configTxt, 'gpio=17=ip,pu');
  assert.equal(advice?.balenaVariable, 'BALENA_HOST_CONFIG_gpio');
  assert.equal(advice?.balenaValue, '"17=ip,pu"');
  for (const words of ['gpio=17=ip,pu', 'BALENA_HOST_CONFIG_gpio', '"17=ip,pu"', 'DOWN']) {
    assert.ok(advice?.text.includes(words), words);
  }
  assert.equal(pullAdvice(4, 'DOWN')?.configTxt, 'gpio=4=ip,pd');
  assert.equal(pullAdvice(27, 'NONE')?.configTxt, 'gpio=27=ip,pn');
});

const FIELDS = ['state', 'sensor:host', 'sensor:bme280-1-76', 'sensor:sht4x-3-44', 'readings'];

test('only sensors of bus 1, and only a button on GPIO 2 or 3, disturb each other', () => {
  assert.deepEqual(disturbedSensors(2, FIELDS), ['bme280-1-76']);
  assert.deepEqual(disturbedSensors(3, FIELDS), ['bme280-1-76']);
  assert.deepEqual(disturbedSensors(17, FIELDS), []);
  assert.deepEqual(disturbedSensors(2, ['sensor:bme280-11-76', 'sensor:bme280-3-76']), []);
});

test('the text names the sensors and three remedies with values to set', () => {
  const text = conflictText(2, ['bme280-1-76']);
  for (const words of [
    'bme280-1-76',
    'BALENA_HOST_CONFIG_dtparam = "i2c_arm=off","spi=on"',
    '"vc4-kms-v3d","i2c-gpio,bus=3,i2c_gpio_sda=23,i2c_gpio_scl=24,i2c_gpio_delay_us=2"',
    '"vc4-kms-v3d","i2c3,pins_4_5"',
    'BUTTON_PIN = 17',
    'BALENA_HOST_CONFIG_gpio = "17=ip,pu"',
  ]) {
    assert.ok(text.includes(words), words);
  }
});

test('where the button keeps GPIO 2, the bus that has the pin by default is switched off', () => {
  const kept = REMEDIES.filter(({ set }) => set['BUTTON_PIN'] === undefined);
  assert.equal(kept.length, 2);
  for (const { set, what } of kept) {
    assert.equal(set['BALENA_HOST_CONFIG_dtparam'], '"i2c_arm=off","spi=on"', what);
  }
});
