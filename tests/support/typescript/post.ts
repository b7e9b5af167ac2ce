// Posts each event with the client that openapi-fetch makes of the types, and prints the answers.

import createClient from "openapi-fetch";

import type { paths } from "./api.js";
import { account, address, consumer, events, key } from "./data.js";

const client = createClient<paths>({ baseUrl: address, headers: { "x-api-key": key } });
const place = { account_id: account, consumer_id: consumer };

const answers = [];
for (const body of events) {
  const { data, response } = await client.POST(
    "/accounts/{account_id}/consumers/{consumer_id}/events",
    { params: { path: place }, body },
  );
  answers.push([response.status, data?.id, data?.status]);
}
console.log(JSON.stringify(answers));
