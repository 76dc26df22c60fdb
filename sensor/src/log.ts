import type { StatusFields } from './status-board.ts';

/** Everything this service logs: changes of state, never single readings. */
// A type, not an interface: only a type alias fits the index signature of an event map.
export type SensorLog = {
  started: { readonly sensors: string; readonly intervalSeconds: number };
  redis_connected: object;
  redis_lost: { readonly code: string; readonly error: string };
  /** An append has failed; the reading waits. */
  not_stored: { readonly code: string };
  storing_again: { readonly pending: number };
  /** Readings that wait are in memory only. */
  pending_not_kept: { readonly file: string; readonly code: string; readonly error: string };
  detection_failed: { readonly code: string; readonly error: string };
  // Logged and written to the stream `events` with the same fields.
  measuring_paused: StatusFields;
  measuring_resumed: StatusFields;
  interval_changed: StatusFields;
  interval_refused: StatusFields;
  sensor_found: StatusFields;
  sensor_lost: StatusFields;
  sensor_flapping: StatusFields;
  gpio_conflict: StatusFields;
  redis_full: StatusFields;
  readings_dropped: StatusFields;
  readings_carried_over: StatusFields;
  pending_file_damaged: StatusFields;
};
