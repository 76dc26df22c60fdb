/** The dashboards and the files they stand in. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { gateway } from './gateway.ts';
import { now } from './now.ts';
import { sensor } from './sensor.ts';

export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'now.json': now,
  'gateway.json': gateway,
  'sensor.json': sensor,
};

/** As it stands in the file. */
export function fileText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
