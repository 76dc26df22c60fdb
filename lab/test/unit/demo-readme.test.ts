import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { envTableMarkdown } from '@holdfast/kit';
import { ENV } from '../../demo/src/config.ts';

test("the demo's README shows the variables as the program reads them", () => {
  const readme = readFileSync(new URL('../../demo/README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(envTableMarkdown(ENV).trim()));
});
