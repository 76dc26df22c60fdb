export * from './mosquitto.ts';
export * from './net.ts';
export * from './process.ts';
export * from './redis.ts';
export * from './service.ts';
export { dataFolder, removeFolder } from './up.ts';
