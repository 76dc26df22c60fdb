/** The contract of the service: what dashboards and the page may ask for and what they get. */
export * from './columns.ts';
export * from './markdown.ts';
export * from './openapi.ts';
export * from './parameters.ts';
export * from './routes.ts';
export * from './tables.ts';
