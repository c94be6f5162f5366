// SPDX-License-Identifier: ISC
// undici.js PROXY ORIGIN CHAT tunnel|forward - asks an origin by ProxyAgent, and says how it went.
'use strict';
const {createHash} = require('node:crypto');
const {fetch, request, ProxyAgent, WebSocket} = require('undici');

const [proxy, origin, chat, how] = process.argv.slice(2);
const dispatcher = new ProxyAgent({uri: proxy, proxyTunnel: how === 'tunnel', connections: 8});
const text = async (path, options) =>
  (await fetch(origin + path, {...options, dispatcher})).text();

async function * pieces () {
  for (let i = 0; i < 100; i++) yield Buffer.alloc(5000, i);
}

const trial = {
  many: () => Promise.all([...Array(200).keys()].map(i => text('/number/' + i))),
  head: async () => {
    const {statusCode, headers} = await request(origin + '/image/7', {method: 'HEAD', dispatcher});
    return [statusCode, headers['content-type']];
  },
  posted: () => text('/sum', {method: 'POST', body: 'y'.repeat(1000000)}),
  streamed: () => text('/sum', {method: 'POST', body: pieces(), duplex: 'half'}),
  redirected: () => text('/from/5', {method: 'POST', body: 'again'}),
  downloaded: async () => {
    const {body} = await request(origin + '/stream/500', {dispatcher});
    const hash = createHash('sha256');
    for await (const piece of body) hash.update(piece);
    return hash.digest('hex');
  },
  missing: async () => (await request(origin + '/missing', {dispatcher})).statusCode,
  // One that is given up in the middle harms no other.
  abandoned: async () => {
    const {body} = await request(origin + '/stream/10000', {dispatcher});
    for await (const piece of body) if (piece.length) break;
    return text('/number/1');
  },
  chat: () => new Promise(done => {
    const socket = new WebSocket(chat, {dispatcher});
    const seen = [];
    socket.onopen = () => { for (let i = 0; i < 1000; i++) socket.send('frame ' + i); };
    socket.onmessage = event => { if (seen.push(event.data) === 1000) socket.close(); };
    socket.onclose = event => done([seen.length, seen[999], event.wasClean]);
  })
};

(async () => {
  const result = {};
  for (const name in trial) {
    result[name] = await trial[name]().catch(error => String(error.cause ?? error));
  }
  console.log(JSON.stringify(result));
  await dispatcher.destroy();
})();
