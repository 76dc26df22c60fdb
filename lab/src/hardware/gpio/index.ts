export * from './bank.ts';
export * from './bounce.ts';
export * from './simulation.ts';
