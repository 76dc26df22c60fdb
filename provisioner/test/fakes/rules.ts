import type { Rules } from '../../src/core/rules.ts';
import type { Now } from '../../src/core/state.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** 2026-11-21, a boot 10 s ago. */
export const START: Now = { wallMs: 1_795_000_000_000, monotonicMs: 10_000 };

/** The defaults of the configuration. */
export const RULES: Rules = {
  source: 'dps',
  kind: 'sas',
  idScope: '0ne000A0A0A',
  registrationId: 'greenhouse-7',
  settings: 's1',
  keepsAssignment: true,
  canLookUp: true,
  intervalMs: MINUTE_MS,
  busy: { floorMs: 5_000, capMs: 15 * MINUTE_MS },
  assigningLimitMs: HOUR_MS,
  refusedMs: HOUR_MS,
  hubRetryMs: 15 * MINUTE_MS,
  hubBusy: { floorMs: 5_000, capMs: 10 * MINUTE_MS },
  fleet: { devices: 1_000, connectionsPerSecond: 16, load: 1 },
  tokenMs: HOUR_MS,
  tokenMarginMs: 15 * MINUTE_MS,
};
