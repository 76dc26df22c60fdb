/**
 * The one decision table: what each outcome of DPS, of the status lookup and of the hub means and
 * what follows. The first row that fits counts. README.md shows the same table; a test compares them,
 * and every row has a test that provokes it over the wire.
 *
 * Sources: "IoT Hub connectivity considerations" and "retry operations" of the large-scale
 * deployment practices, "tip" of the reprovisioning concepts. Where the sample code of those pages
 * contradicts their text (429 and 5xx -> DPS), the text counts.
 */
import { DPS_ROWS } from './dps-rows.ts';
import { HUB_ROWS } from './hub-rows.ts';
import type { DpsCase, DpsRow, HubCase, HubRow, RowText } from './verdicts.ts';

/** The last row of each table fits everything. */
export function decideDps(c: DpsCase): DpsRow {
  return DPS_ROWS.find((row) => row.fits(c)) ?? DPS_ROWS[DPS_ROWS.length - 1] ?? impossible();
}

export function decideHub(c: HubCase): HubRow {
  return HUB_ROWS.find((row) => row.fits(c)) ?? HUB_ROWS[HUB_ROWS.length - 1] ?? impossible();
}

function impossible(): never {
  throw new Error('the table is empty');
}

/** The table as Markdown, for the README. */
export function decisionTableMarkdown(): string {
  const line = (who: string) => (row: RowText) =>
    `| ${who} | ${row.outcome} | ${row.means} | ${row.action} | \`${row.id}\` |`;
  return [
    '| of | outcome | what it means | what follows | reason shown |',
    '| --- | --- | --- | --- | --- |',
    ...DPS_ROWS.map(line('DPS')),
    ...HUB_ROWS.map(line('hub')),
  ].join('\n');
}
