/**
 * The page in a real browser, on the whole device side: sensor with a simulated chip, Redis,
 * mqtthandler, broker behind a network that can be cut. `PAGE_PICTURES=folder` keeps pictures of it.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Chromium, findChromium } from '@holdfast/lab/browser';
import type { BrowserPage } from '@holdfast/lab/browser';
import { startFaultProxy } from '@holdfast/lab/fault-proxy';
import type { FaultProxy } from '@holdfast/lab/fault-proxy';
import { HardwareClient, I2cSimulation, startHardwareSimulator } from '@holdfast/lab/hardware';
import {
  dataFolder,
  removeFolder,
  service,
  startMosquitto,
  startRedis,
  until,
} from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { Api } from './bed.ts';

const COMMAND = findChromium();
const CHIP = { bus: 1, address: 0x76 };
const DESKTOP = { width: 1_280, height: 900 };
const PHONE = { width: 390, height: 844 };
/** Of text against what is behind it (WCAG 2.2, 1.4.3). */
const LEAST_CONTRAST = 4.5;

/** The lowest contrast of all visible texts with a plain background, and where it is. */
const CONTRAST = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (css, under) => {
    canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let worst = [99, ''];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '');
    if (!own || element.closest('.sr, .skip, noscript') || element.offsetParent === null) continue;
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.push(getComputedStyle(e).backgroundColor);
    const behind = chain.reverse().reduce((under, css) => 'rgb(' + rgb(css, under).slice(0, 3) + ')', '#fff');
    const [a, b] = [light(rgb(getComputedStyle(element).color, behind)), light(rgb(behind, behind))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.textContent.slice(0, 40)];
  }
  return worst;
})()`;

interface Stack extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly api: Api;
  readonly network: FaultProxy;
  readonly chip: HardwareClient;
}

async function startStack(): Promise<Stack> {
  const dir = dataFolder('page');
  const path = join(dir, 'hardware.sock');
  const simulator = await startHardwareSimulator({ path, handlers: { i2c: new I2cSimulation() } });
  const chip = await HardwareClient.connect(path);
  await chip.plugChip('bme280', CHIP, {
    temperature_celsius: 21.5,
    humidity_percent: 45,
    pressure_hpa: 1_013,
  });
  const redis = await startRedis();
  const broker = await startMosquitto();
  const network = await startFaultProxy({ targetPort: broker.port });
  const sensor = service('sensor', {
    ...redis.env,
    SENSORS: 'host,bme280@1:0x76',
    INTERVAL_SECONDS: '0.25',
    HARDWARE_SIMULATOR: path,
  });
  const handler = service('mqtthandler', {
    ...redis.env,
    MQTT_HOST: '127.0.0.1',
    MQTT_PORT: String(network.port),
    BALENA_DEVICE_UUID: 'page-test',
  });
  sensor.start();
  handler.start();
  const env = {
    DASHBOARD_CONTROL: 'true',
    BALENA_APP_NAME: 'greenhouse',
    BALENA_DEVICE_NAME_AT_INIT: 'old-oak',
  };
  const api = await Api.start({ ...redis.env, ...env });
  return {
    redis,
    api,
    network,
    chip,
    async [Symbol.asyncDispose]() {
      for (const process of [api, sensor, handler]) await process[Symbol.asyncDispose]();
      for (const server of [network, broker, redis, chip, simulator])
        await server[Symbol.asyncDispose]();
      removeFolder(dir);
    },
  };
}

const skip = COMMAND === undefined ? 'no Chromium on the path: apt-get install chromium' : false;

describe('the page', { skip }, () => {
  let stack: Stack;
  let browser: Chromium;
  let page: BrowserPage;
  before(async () => {
    stack = await startStack();
    browser = await Chromium.start(COMMAND ?? '');
    page = await browser.open(DESKTOP);
    await page.prefer('light');
    await page.goto(`${stack.api.url}/`);
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  const picture = async (name: string, from: BrowserPage = page, height?: number) => {
    const folder = process.env['PAGE_PICTURES'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.png`), await from.screenshot(height));
  };
  /** The number on the card of a quantity. */
  const valueOf = (label: string) =>
    page.evaluate<string>(
      `[...document.querySelectorAll('.value')].find((c) => c.querySelector('h3').textContent === ${JSON.stringify(label)})?.querySelector('.number').textContent ?? ''`,
    );

  test('shows values with their units, sensors and states within seconds', async () => {
    await page.untilText('#verdict', /All is well\. Every reading is delivered\./);
    await page.untilText('#cards', /Temperature\s+21\.5\s*°C[\s\S]*Humidity[\s\S]*Pressure/);
    assert.match(await page.text('#device'), /greenhouse \/ old-oak/);
    assert.match(await page.text('#tiles'), /MQTT broker\s+[\s\S]*Connected/);
    assert.match(await page.text('#losses'), /No reading has been lost/);
    await page.untilText('#sensors', /bme280-1-76[\s\S]*good readings, every 0\.25 s/);
  });

  test('moves by itself, values and curves', async () => {
    await page.untilText('#curves', /Temperature/);
    await stack.chip.setChip(CHIP, { temperature_celsius: 27.25 });
    await until('the new value is shown', async () =>
      (await valueOf('Temperature')).startsWith('27.3'),
    );
    await page.untilText('#curves', /bme280-1-76\s+27\.\d °C/);
    const curves = `document.querySelectorAll('.chart canvas').length`;
    assert.ok((await page.evaluate<number>(curves)) >= 5);
  });

  test('says in words that a sensor has failed, and that it is back', async () => {
    await stack.chip.unplugChip(CHIP);
    await page.untilText('#verdict', /bme280-1-76 does not answer/);
    await page.untilText('#sensors', /does not answer: /);
    await page.untilText('#cards', /late/, 30_000);
    await stack.chip.plugChip('bme280', CHIP, {
      temperature_celsius: 22,
      humidity_percent: 44,
      pressure_hpa: 1_013,
    });
    await page.untilText('#verdict', /All is well/, 30_000);
    await until('the value is back', async () => (await valueOf('Temperature')).startsWith('22.0'));
  });

  test('shows an outage of the network, the growing backlog, and how it drains', async () => {
    await stack.network.cut();
    await page.untilText('#verdict', /MQTT broker cannot be reached/, 30_000);
    await page.untilText('#tiles', /[1-9]\d* waiting/, 30_000);
    await page.untilText('#delivery', /readings waiting/i);
    await picture('outage');
    await stack.network.restore();
    await page.untilText('#verdict', /All is well/, 90_000);
    await page.untilText('#events', /Link down: mqtt/);
  });

  test('stops and starts measuring, with the keyboard', async () => {
    const focus = `(document.querySelector('.switch').focus(), document.activeElement.textContent)`;
    assert.equal(await page.evaluate(focus), 'Stop measuring');
    await page.press('Enter');
    await page.untilText('#verdict', /Measuring is paused/);
    assert.equal(await stack.redis.client.get(KEYS.enabled.key), '0');
    await page.untilText('.switch', /^Start measuring$/);
    assert.equal(await page.evaluate('document.activeElement.className'), 'switch', 'focus stays');
    await page.press('Enter');
    await page.untilText('.switch', /^Stop measuring$/);
    assert.equal(await stack.redis.client.get(KEYS.enabled.key), '1');
    await page.untilText('#verdict', /All is well/);
  });

  test('says clearly that Redis or the gateway cannot be reached, and how old the picture is', async () => {
    await stack.redis.process.kill();
    await page.untilText('#alarm', /cannot read its data[\s\S]*What you see is \d+ s old/, 30_000);
    assert.match(await page.text('#contact'), /not live/);
    await stack.redis.restart();
    await until('it is live again', async () => (await page.text('#alarm')) === '', 30_000);
    await stack.api.process.kill();
    await page.untilText('#alarm', /The gateway cannot be reached/, 30_000);
    stack.api.process.start();
    await page.untilText('#contact', /^live/, 30_000);
    await page.untilText('#verdict', /All is well/, 60_000);
  });

  test('is told to a screen reader: headings, states in words, charts as pictures with a text', async () => {
    const nodes = await page.accessible();
    const named = (role: string) =>
      nodes.filter((node) => node.role === role).map(({ name }) => name);
    for (const heading of [
      'Holdfast greenhouse / old-oak',
      'Now',
      'Course',
      'Delivery',
      'Sensors',
    ]) {
      // The style sheet writes some in capitals, and the browser tells them as they are seen.
      const same = (name: string) => name.toLowerCase() === heading.toLowerCase();
      assert.ok(named('heading').some(same), named('heading').join(', '));
    }
    const pictures = named('image').filter((name) => name.startsWith('Temperature. bme280-1-76: '));
    assert.equal(pictures.length, 1, named('image').join(' | '));
    assert.ok(named('radio').includes('1 h'));
    assert.ok(named('button').includes('Stop measuring'));
    assert.ok(named('meter').some((name) => /Buffer/.test(name)));
    const states = await page.evaluate<string>(`document.querySelector('.tile').textContent`);
    assert.match(states, /good:/);
  });

  test('shows another range by keyboard', async () => {
    await page.evaluate(`document.querySelector('.ranges input').focus()`);
    await page.press('ArrowRight');
    const chosen = `document.querySelector('.ranges input:checked').parentElement.textContent`;
    assert.equal(await page.evaluate(chosen), '1 h');
    await page.evaluate(`document.querySelector('.ranges input').click()`);
  });

  for (const scheme of ['light', 'dark'] as const) {
    test(`can be read on a desktop and on a phone, ${scheme}`, async () => {
      for (const [device, size] of [
        ['desktop', DESKTOP],
        ['phone', PHONE],
      ] as const) {
        const other = await browser.open(size);
        await other.prefer(scheme);
        await other.goto(`${stack.api.url}/`);
        await other.untilText('#curves', /Temperature/);
        const width = await other.evaluate<number>('document.documentElement.scrollWidth');
        assert.ok(width <= size.width, `${device}: ${width} pixels wide`);
        const [contrast, where] = await other.evaluate<[number, string]>(CONTRAST);
        assert.ok(contrast >= LEAST_CONTRAST, `${device}: ${contrast.toFixed(1)} at "${where}"`);
        await picture(`${device}-${scheme}`, other);
        assert.deepEqual(other.errors, []);
      }
    });
  }

  test('asks nobody but the gateway, and nothing the policy forbids', async () => {
    const hosts = await page.evaluate<string[]>(
      `[...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]`,
    );
    assert.deepEqual(hosts, [stack.api.url]);
    // While Redis or the service was away, failed requests are no fault of the page.
    const faults = page.errors.filter(
      (error) => !/Failed to load resource|ERR_CONNECTION/.test(error),
    );
    assert.deepEqual(faults, []);
  });
});
