export * from './faults.ts';
export * from './proxy.ts';
