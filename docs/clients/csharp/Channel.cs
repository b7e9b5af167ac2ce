// Both halves of a channel, in C#.
//
// Needs .NET 8 (a project of Microsoft.NET.Sdk.Web) and the package StandardWebhooks.StandardWebhooks.
// What is typed is sent as a consumer's text; what agents say is printed. Settings: see README.md
// beside this folder.

using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using StandardWebhooks;
using StandardWebhooks.Exceptions;

string Setting(string name, string otherwise = "") =>
    Environment.GetEnvironmentVariable(name) ?? otherwise;

var consumer = Uri.EscapeDataString(Setting("CONSUMER", "+4915112345678"));
var events = $"{Setting("API")}/accounts/{Setting("ACCOUNT")}/consumers/{consumer}/events";
var webhook = new Webhook(Setting("SECRET"));
var seen = new ConcurrentDictionary<string, bool>(); // keep it for a week, in a database
var notNow = new HashSet<int> { 408, 425, 429, 500, 502, 503, 504 };

using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
client.DefaultRequestHeaders.Add("x-api-key", Setting("KEY"));

// Sends an event until it is accepted. A repeat with the same id does no harm.
async Task Send(Dictionary<string, object> sent)
{
    for (var pause = 1.0; ; pause = Math.Min(2 * pause, 60))
    {
        var wait = await TryOnce(sent);
        if (wait is null) return;
        await Task.Delay(TimeSpan.FromSeconds(wait < 0 ? pause : wait.Value));
    }
}

// Returns null once the event is accepted, else how many seconds to wait; -1 if it was not said.
async Task<double?> TryOnce(Dictionary<string, object> sent)
{
    try
    {
        using var answer = await client.PostAsJsonAsync(events, sent);
        if (answer.IsSuccessStatusCode) return null;
        var status = (int)answer.StatusCode;
        if (!notNow.Contains(status))
        {
            var why = await answer.Content.ReadAsStringAsync();
            throw new InvalidOperationException($"refused with {status}: {why}");
        }
        return answer.Headers.RetryAfter?.Delta?.TotalSeconds ?? -1;
    }
    catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
    {
        return -1; // no connection, no answer, a broken one
    }
}

// Takes a callback: verify the bytes, drop what was seen, answer quickly.
async Task<IResult> Take(HttpRequest request)
{
    using var reader = new StreamReader(request.Body, new UTF8Encoding(false));
    var body = await reader.ReadToEndAsync();
    var headers = new WebHeaderCollection();
    foreach (var name in new[] { "webhook-id", "webhook-timestamp", "webhook-signature" })
    {
        headers[name] = request.Headers[name].ToString();
    }
    try
    {
        webhook.Verify(body, headers);
    }
    catch (WebhookVerificationException)
    {
        return Results.StatusCode(401);
    }
    if (seen.TryAdd(headers["webhook-id"]!, true)) Show(JsonDocument.Parse(body).RootElement);
    return Results.NoContent();
}

// Prints what an agent said, and ignores what it does not know.
void Show(JsonElement callback)
{
    if (callback.TryGetProperty("content", out var content))
    {
        foreach (var name in new[] { "text", "fallback_text", "url" })
        {
            if (content.TryGetProperty(name, out var said) && said.GetString() is { Length: > 0 } words)
            {
                Console.WriteLine($"agent: {words}");
                return;
            }
        }
    }
    Console.WriteLine($"({callback.GetProperty("type").GetString()})");
}

var builder = WebApplication.CreateBuilder();
builder.Logging.ClearProviders();
var server = builder.Build();
server.MapPost("/{**path}", Take);
await server.StartAsync();
// Listens where ASPNETCORE_URLS says, for example http://127.0.0.1:8900.

while (Console.ReadLine() is { } line)
{
    await Send(new() { ["id"] = Guid.NewGuid().ToString("N"), ["type"] = "text", ["text"] = line.Trim() });
    Console.WriteLine("sent");
}
