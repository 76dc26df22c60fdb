export * from './fake-buffer.ts';
export * from './fake-destination.ts';
export * from './fake-ledger.ts';
export * from './fake-readings.ts';
export * from './forwarder-bench.ts';
export * from './sensor.ts';
