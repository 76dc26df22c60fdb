export * from './chromium.ts';
export * from './page.ts';
