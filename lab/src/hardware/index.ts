export * from './client.ts';
export * from './gpio/index.ts';
export * from './protocol.ts';
export * from './server.ts';
