import { runService } from '@holdfast/kit';
import { runApp } from './app.ts';
import { readConfig, readTls } from './config.ts';

await runService('mqtthandler', async (signal) => {
  const config = readConfig(process.env);
  await runApp(config, readTls(config), signal);
});
