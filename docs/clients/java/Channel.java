/*
 * Both halves of a channel, in Java.
 *
 * Needs Java 17, com.standardwebhooks:standardwebhooks and com.google.code.gson:gson. What is typed is
 * sent as a consumer's text; what agents say is printed. Settings: see README.md beside this folder.
 */

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

public final class Channel {
  private static final Set<Integer> NOT_NOW = Set.of(408, 425, 429, 500, 502, 503, 504);
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

  private final Webhook webhook;
  private final Set<String> seen = ConcurrentHashMap.newKeySet(); // keep it for a week, in a database

  Channel(String secret) throws Exception {
    webhook = new Webhook(secret);
  }

  /** Sends an event until it is accepted. A repeat with the same id does no harm. */
  static void send(Map<String, Object> event) throws InterruptedException {
    for (long pause = 1; ; pause = Math.min(2 * pause, 60)) {
      long wait = tryOnce(event);
      if (wait == ACCEPTED) {
        return;
      }
      Thread.sleep(1000 * (wait < 0 ? pause : wait));
    }
  }

  private static final long ACCEPTED = Long.MIN_VALUE;

  /** Returns ACCEPTED, else how many seconds to wait; -1 if it was not said. */
  private static long tryOnce(Map<String, Object> event) throws InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(eventsUri())
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .header("x-api-key", System.getenv("KEY"))
            .POST(HttpRequest.BodyPublishers.ofString(new Gson().toJson(event)))
            .build();
    HttpResponse<String> answer;
    try {
      answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException noAnswer) { // no connection, no answer, a broken one
      return -1;
    }
    if (answer.statusCode() < 300) {
      return ACCEPTED;
    }
    if (!NOT_NOW.contains(answer.statusCode())) {
      throw new IllegalStateException("refused with " + answer.statusCode() + ": " + answer.body());
    }
    String after = answer.headers().firstValue("Retry-After").orElse("");
    return after.matches("\\d{1,5}") ? Long.parseLong(after) : -1;
  }

  private static URI eventsUri() {
    String consumer = System.getenv().getOrDefault("CONSUMER", "+4915112345678");
    String escaped = URLEncoder.encode(consumer, StandardCharsets.UTF_8).replace("+", "%20");
    return URI.create(
        System.getenv("API") + "/accounts/" + System.getenv("ACCOUNT")
            + "/consumers/" + escaped + "/events");
  }

  /** Takes a callback: verify the bytes, drop what was seen, answer quickly. */
  void take(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    Map<String, List<String>> headers = new HashMap<>();
    exchange.getRequestHeaders().forEach((name, values) -> headers.put(name.toLowerCase(), values));
    int status = 401;
    if (isGenuine(body, headers)) {
      status = 204;
      if (seen.add(headers.get("webhook-id").get(0))) {
        show(new Gson().fromJson(body, JsonObject.class));
      }
    }
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  private boolean isGenuine(String body, Map<String, List<String>> headers) {
    try {
      webhook.verify(body, headers);
      return true;
    } catch (WebhookVerificationException refused) {
      return false;
    }
  }

  /** Prints what an agent said, and ignores what it does not know. */
  private static void show(JsonObject callback) {
    JsonElement content = callback.get("content");
    if (content != null && content.isJsonObject()) {
      for (String name : List.of("text", "fallback_text", "url")) {
        JsonElement said = content.getAsJsonObject().get(name);
        if (said != null && !said.getAsString().isEmpty()) {
          System.out.println("agent: " + said.getAsString());
          return;
        }
      }
    }
    System.out.println("(" + callback.get("type").getAsString() + ")");
  }

  public static void main(String[] arguments) throws Exception {
    Channel channel = new Channel(System.getenv("SECRET"));
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/", channel::take);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();

    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      for (String line; (line = lines.readLine()) != null; ) {
        send(Map.of("id", UUID.randomUUID().toString(), "type", "text", "text", line.trim()));
        System.out.println("sent");
      }
    } catch (IllegalStateException refused) { // the server's threads would keep the program alive
      System.err.println(refused.getMessage());
      System.exit(1);
    }
    System.exit(0);
  }
}
