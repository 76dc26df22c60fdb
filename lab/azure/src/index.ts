export * from './certificates.ts';
export * from './dps/index.ts';
export * from './event-log.ts';
export type * from './events.ts';
export * from './faults.ts';
export type * from './json.ts';
export * from './mqtt-endpoint.ts';
export * from './ports.ts';
export * from './sas.ts';
