/** The files are what the code makes; nothing is edited by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DASHBOARDS, fileText } from '../../src/files.ts';
import { infinityQuery } from '../../src/query.ts';
import { DASHBOARD_FILES, dashboardText } from '../dashboards.ts';

test('the folder has the dashboards that the code makes, and no others', () => {
  assert.deepEqual(DASHBOARD_FILES, Object.keys(DASHBOARDS).sort());
});

for (const [file, dashboard] of Object.entries(DASHBOARDS)) {
  test(`${file} is what the code makes (if not: make dashboards)`, () => {
    assert.equal(dashboardText(file), fileText(dashboard));
  });
}

test('a column or parameter that the service does not have is refused', () => {
  assert.throws(
    () => infinityQuery({ route: 'status', columns: ['backlogg'] }),
    /\/api\/status has no column backlogg/,
  );
  assert.throws(
    () => infinityQuery({ route: 'status', columns: [], params: { from: '1' } }),
    /\/api\/status has no parameter from/,
  );
});
