export * from './processes.ts';
export * from './run.ts';
export * from './sources.ts';
export * from './stack.ts';
