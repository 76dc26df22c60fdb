export * from './backoff.ts';
export * from './clock.ts';
export * from './env.ts';
export * from './errors.ts';
export * from './health.ts';
export * from './lifecycle.ts';
export * from './log.ts';
