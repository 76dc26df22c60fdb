import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Chromium, findChromium } from '@holdfast/lab/browser';

const COMMAND = findChromium();
const skip = COMMAND === undefined ? 'no Chromium on the path: apt-get install chromium' : false;
const PAGE = { width: 400, height: 300 };

describe('a browser', () => {
  test('that cannot be started is an error', async () => {
    await assert.rejects(Chromium.start('/no/such/browser'), /ENOENT/);
  });

  for (const killed of [false, true]) {
    const when = killed ? 'after it was killed' : 'in the middle of its work';
    test(`takes its profile with it, ${when}`, { skip }, async () => {
      const browser = await Chromium.start(COMMAND ?? '');
      const page = await browser.open(PAGE);
      await page.goto('data:text/html,<h1>A page</h1>');
      assert.equal(existsSync(browser.profile), true);
      if (killed) await assert.rejects(browser.call('Browser.crash'), /ended/);
      await browser[Symbol.asyncDispose]();
      assert.equal(existsSync(browser.profile), false);
    });
  }
});
