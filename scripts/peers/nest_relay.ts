// The relay that the product's gateway is timed against: NestJS as its documentation shows it, the event stream of an
// upstream piped to the browser with axios. It has no sessions, no limits and no log, which the gateway has.
import 'reflect-metadata';
import { Body, Controller, Module, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import axios from 'axios';
import { Agent } from 'http';

const upstream = process.env.UPSTREAM;
const http = axios.create({ httpAgent: new Agent({ keepAlive: true }) });

@Controller()
class ChatController {
  @Post('chat')
  async chat(@Body() body: unknown, @Res() response: any) {
    const answer = await http.post(`${upstream}/chat`, body, {
      responseType: 'stream',
      headers: { accept: 'text/event-stream' },
    });
    response.setHeader('content-type', 'text/event-stream');
    response.status(200);
    answer.data.pipe(response);
  }
}

@Module({ controllers: [ChatController] })
class AppModule {}

NestFactory.create(AppModule, { logger: false }).then((app) => app.listen(Number(process.env.PORT), '127.0.0.1'));
