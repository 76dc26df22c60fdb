import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { Chromium, findChromium } from '@holdfast/lab/browser';

const COMMAND = findChromium();
const skip = COMMAND === undefined ? 'no Chromium on the path: apt-get install chromium' : false;
const PAGE = { width: 400, height: 300 };

/** Profiles that were not there before; other tests may have a browser of their own. */
function since(before: readonly string[]): readonly string[] {
  return profiles().filter((name) => !before.includes(name));
}

function profiles(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('holdfast-chromium-'));
}

describe('a browser', () => {
  test('that cannot be started is an error, and nothing of it is left', async () => {
    const before = profiles();
    await assert.rejects(Chromium.start('/no/such/browser'), /ENOENT/);
    assert.deepEqual(since(before), []);
  });

  test(
    'takes its profile with it, whether it has work or was killed before',
    { skip },
    async () => {
      const before = profiles();
      for (const killed of [false, true]) {
        const browser = await Chromium.start(COMMAND ?? '');
        const page = await browser.open(PAGE);
        await page.goto('data:text/html,<h1>A page</h1>');
        assert.equal(since(before).length, 1);
        if (killed) await assert.rejects(browser.call('Browser.crash'), /ended/);
        await browser[Symbol.asyncDispose]();
        assert.deepEqual(since(before), []);
      }
    },
  );
});
