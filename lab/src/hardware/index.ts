export * from './client.ts';
export * from './gpio/index.ts';
export * from './i2c/index.ts';
export * from './protocol.ts';
export * from './server.ts';
