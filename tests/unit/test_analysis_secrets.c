/*
 * What must be masked, what must stay, and that nothing around it changes. Keys and cards are made
 * up, or those that their makers publish as examples.
 */
#include "analysis/spell/secrets.h"

#include <stdio.h>

#include "cmocka_all.h"
#include "graph_random.h"

static void check(const char *text, const char *want)
{
	char copy[500];
	bool masked;

	snprintf(copy, sizeof(copy), "%s", text);
	masked = pl_secret_mask(copy);
	assert_string_equal(copy, want);
	assert_int_equal(masked, strcmp(text, want) != 0);
}

static void keys_and_tokens(void **state)
{
	(void)state;
	check("key AKIAIOSFODNN7EXAMPLE in use", "key **** in use");
	check("['ghp_16C7e42F292c6912E7710c838347Ae178B4a']", "['****']");
	check("url/glpat-abcdefghijklmnopqrst/x", "url/****/x");
	check("xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy", "****");
	check("(sk_live_4eC39HqLyjWDarjtT1zdp7dc)", "(****)");
	check("AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe,", "****,");
	check("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
	      "****");
	check("SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf", "****");
	check("-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\nq+x/\\n-----END", "****");
}

static void long_runs(void **state)
{
	(void)state;
	check("digest 9f86d081884c7d659a2feaa0c55ad015", "digest ****");
	check("'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'", "'****'");
	check("b'dGhpcyBpcyBhIHNlY3JldCBrZXkgb2YgbWluZQ=='", "b'****'");
	check("id=3f2504e0-4f89-41d3-9a0c-0305e82c3301", "id=****");
}

static void names(void **state)
{
	(void)state;
	check("password=hunter2", "password=****");
	check("PASSWORD = 'hunter2' in app", "PASSWORD = '****' in app");
	check("{'user': 'bob', 'password': 'hunter2', 'n': 3}",
	      "{'user': 'bob', 'password': '****', 'n': 3}");
	check("app.CFG['db_password'] = 'a \\' b'", "app.CFG['db_password'] = '****'");
	check("{\"api_key\": \"abc\", \"x\": 1}", "{\"api_key\": \"***\", \"x\": 1}");
	check("token=u'abc'", "token=u'***'");
	check("--secret=abc --other", "--secret=*** --other");
	check("?access_token=abcdef&page=2", "?access_token=****&page=2");
	check("Authorization: Bearer abcdef", "Authorization: Bearer ****");
	check("postgres://app:s3cr3t@db:5432/x", "postgres://app:****@db:5432/x");
	check("pwd='unfinished", "pwd='****");
}

static void cards(void **state)
{
	(void)state;
	check("card 4111111111111111 declined", "card **** declined");
	check("4111 1111 1111 1111", "****");
	check("'5500-0000-0000-0004'", "'****'");
	check("378282246310005", "****");
	check("4111111111111112", "4111111111111112"); /* the sum is wrong */
	check("1111111111111111111111", "1111111111111111111111");
	check("0000000000000000", "0000000000000000");
	check("4111111111111111x", "4111111111111111x");
	check("x4111111111111111", "x4111111111111111");
}

static void what_stays(void **state)
{
	static const char *const plain[] = {
		"",
		"builtins.dict",
		"__main__.SESSIONS[*].connection.buffer",
		"/home/bob/.local/lib/python3.11/site-packages/app/handlers.py:33",
		"/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0+0x1f0",
		"test_the_collector_found_the_rings_as_they_were_made",
		"TheCollectorFoundTheRingsAsTheyWereMade",
		"0x7fc737874030",
		"deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
		"20,000 objects, 12.3 MiB, 98.4 %",
		"tokenizer.py, secrets.c and a password",
		"sk-learn and AKIA alone",
		"eyJ",
		"https://example.org:8080/a@b",
		"-----BEGIN CERTIFICATE-----",
		"signal 11, pid 1234567890123",
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(plain); i++)
		check(plain[i], plain[i]);
}

static void several(void **state)
{
	(void)state;
	check("token=abc password='x' 4111111111111111", "token=*** password='*' ****");
	check("password=pa password=word", "password=** password=****");
	check("token=''", "token=''");
	check("password=password=x", "password=****");
}

/*
 * What reports of real programs are full of, and no secret: names, paths, versions, times, numbers,
 * addresses, messages, SQL, and words of which a secret's name is a part.
 */
static const char *const harmless[] = {
	"concurrent.futures.thread.ThreadPoolExecutor",
	"sqlalchemy.orm.identity.WeakInstanceDict[*].obj",
	"django.db.models.fields.related_descriptors.ForwardManyToOneDescriptor",
	"xml.etree.ElementTree.Element.attrib['{http://www.w3.org/2001/XMLSchema-instance}type']",
	"test_utf8_to_utf16_conversion_of_4byte_chars_in_py38_and_py39",
	"app.handlers.HTTP2ConnectionHandlerV3.process_request_async",
	"x86_64-pc-linux-gnu-gcc-12.2.0-14+deb12u1",
	"/usr/lib/python3.11/site-packages/numpy/core/"
	"_multiarray_umath.cpython-311-x86_64-linux-gnu.so",
	"_multiarray_umath.cpython-311-x86_64-linux-gnu.so",
	"manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
	"cryptography-41.0.7-cp37-abi3-manylinux_2_28_x86_64.whl",
	"/proc/12345/task/12346/status",
	"/home/jenkins/workspace/build-py311-linux-x86_64-release/src/app.py:1033",
	"C:\\\\Users\\\\Bob\\\\AppData\\\\Local\\\\Programs\\\\Python\\\\Python311\\\\python.exe",
	"2024-02-29T13:37:00.123456+00:00",
	"2024-02-29 13:37:00,123 INFO app: started in 1234 ms",
	"20240229133700123456",
	"1709213820",
	"1709213820123",
	"1709213820.123456",
	"+49 30 1234567",
	"+1 (555) 123-4567",
	"192.168.100.200:8080",
	"2001:0db8:85a3:0000:0000:8a2e:0370:7334",
	"00:1a:2b:3c:4d:5e",
	"urn:isbn:9780306406157",
	"ISBN 978-0-306-40615-7",
	"ISBN 9780306406157",
	"EAN 4006381333931",
	"DE89370400440532013000",
	"3.14159265358979323846264338327950288",
	"6.02214076e23",
	"0.1, 0.2, 0.30000000000000004",
	"123456789012345678901234567890",
	"1234567890123456",
	"9007199254740993",
	"18446744073709551615",
	"0xffffffffffffffff",
	"0x7ffe12345678-0x7ffe12349678",
	"[0x00007f0000000000, 0x00007f0000001000)",
	"deadbeef",
	"cafebabecafebabe",
	"SELECT id, name FROM users WHERE id = 42 ORDER BY created_at DESC",
	"INSERT INTO t (a, b) VALUES (1, 'x')",
	"CREATE TABLE IF NOT EXISTS sessions (id INTEGER PRIMARY KEY)",
	"GET /api/v1/users/42/orders?page=2&per_page=50 HTTP/1.1",
	"https://example.org/a/b/c?x=1&y=2#frag",
	"https://docs.python.org/3.11/library/functions.html#print",
	"https://example.org/blog/2024/02/29/how-we-found-a-memory-leak-in-python-311-with-gdb",
	"mailto:bob@example.org",
	"postgres://db:5432/app",
	"redis://localhost:6379/0",
	"amqp://broker/vhost",
	"git@github.com:python/cpython.git",
	"ssh://git@host:22/repo",
	"//host/share/file",
	"user:group@host",
	"http://[::1]:8080/",
	"text/html; charset=utf-8",
	"multipart/form-data; boundary=----WebKitFormBoundary",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
	"Safari/537.36",
	"Lorem ipsum dolor sit amet, consectetur adipiscing elit",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	"abcdefghijklmnopqrstuvwxyz0123456789",
	"0123456789abcdef",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"!\"#$%&\\'()*+,-./:;<=>?@",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"--------------------------------------------------",
	"==================================================",
	"________________________________________",
	"xxxxxxxxxxxxxxxx-1234-xxxxxxxxxxxxxxxx",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"\\\\x00\\\\x01\\\\x02\\\\x03\\\\x04\\\\x05\\\\x06\\\\x07\\\\x08\\\\t\\\\n\\\\x0b",
	"b'\\\\x89PNG\\\\r\\\\n\\\\x1a\\\\n\\\\x00\\\\x00\\\\x00\\\\rIHDR'",
	"<lambda at 0x7f12345678>",
	"<function f at 0x7f1234567890>",
	"<app.Session object at 0x7fc737874030>",
	"<_io.TextIOWrapper name='<stdout>' mode='w' encoding='utf-8'>",
	"{'name': 'bob', 'age': 42, 'tags': ['a', 'b']}",
	"{'keyboard': 'us', 'monkey': 1, 'turkey': 2}",
	"Counter({'a': 3, 'b': 2})",
	"tokenize",
	"tokens",
	"token",
	"['token']",
	"detokenize(x)",
	"n_tokens",
	"max_tokens",
	"max_tokens 512",
	"secretary",
	"the secret of success",
	"secrets.token_hex",
	"password_hasher",
	"passwords do not match",
	"invalid password",
	"Password must be at least 8 characters",
	"reset_password_view",
	"pwd",
	"os.getcwd / pwd",
	"cookiecutter",
	"cookies are enabled",
	"csrf protection",
	"csrf_exempt",
	"authorization failed",
	"credential provider",
	"credentials_provider",
	"private_key_path",
	"api_key_header",
	"access_key_id",
	"SessionIDGenerator",
	"sk-learn",
	"sk-",
	"sk_live_",
	"AKIA",
	"ASIA minor",
	"ghp_",
	"xoxb-",
	"npm_config_registry",
	"npm_lifecycle_event",
	"pypi-server",
	"pypi-",
	"hvs.",
	"SG.",
	"ya29.",
	"glpat-",
	"eyJ",
	"eyJafjallajokull",
	"ssh-rsa",
	"-----BEGIN PUBLIC KEY-----",
	"-----BEGIN PGP MESSAGE-----",
	"Traceback (most recent call last):",
	"  File \"/srv/app/handlers.py\", line 33, in handle",
	"KeyError: 'user_id'",
	"ValueError: invalid literal for int() with base 10: 'abc'",
	"TypeError: unsupported operand type(s) for +: 'int' and 'str'",
	"1,234,567 objects, 98.7 MiB",
	"app.cache[*] → app.Session → dict (+3)",
	"<malloc block *+0x18>",
	"<stack of thread 4242 *>",
	"<register rbx of thread 4242>",
	"libpython3.11.so.1.0+0x1f0",
	"_ZNSt6vectorIiSaIiEE9push_backEOi",
	"_ZN4core3fmt9Formatter9write_fmt17h0123456789abcdefE",
	"PyEval_EvalFrameDefault.cold",
	"__pthread_kill_implementation",
	"_PyObject_GenericGetAttrWithDict",
	"NSURLSessionConfigurationBackground2",
	"ThisIsAVeryLongCamelCaseClassNameForATestOfTheMasking",
	"getUserByIdAndNameOrEmailV2Async",
	"IPv6ToIPv4AddressTranslatorFactoryBuilder",
	"org.apache.commons.lang3.StringUtils$1Helper",
	"com.example.app2.http2.Http2ServerConfigurationV1Beta1",
	"k8s-prod-eu-west-1a-node-pool-7-instance-42",
	"ip-10-0-12-34.eu-west-1.compute.internal",
	"pod-web-frontend-v2-canary-green-deployment",
	"arn:aws:iam::123456789012:role/app",
	"us-east-1_abc",
	"2a01:4f8:c17:b0f::2",
	"e3b0c442",
	"a1b2c3d",
	"v1.2.3-45-gdeadbee",
	"3.11.7 (main, Dec  8 2023, 14:22:46) [GCC 12.2.0]",
	"Linux 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01) x86_64",
	"MIIB",
	"base64",
	"SGVsbG8gd29ybGQ=",
	"Content-Length: 1234567890123",
	"order 1234567890123 shipped",
	"Invoice 2024-000123",
	"serial: 0000-0000-0000-0000",
	"PATH=/usr/local/bin:/usr/bin:/bin",
	"LANG=en_US.UTF-8",
	"pid=1234 tid=5678",
	"a=b&c=d",
	"a == b",
	"lambda x: x + 1",
	"if pwd is None:",
	"def get_token(self):",
	"class TokenBucket:",
	"token_count",
	"token_type",
	"cookie_jar",
	"chapter 4: the cookie monster",
	"Türöffner für Übungen",
	"日本語のテキスト",
	"🙂🙂🙂",
	"ελληνικά",
};

static void nothing_in_these_is_masked(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(harmless); i++) {
		char quoted[500];

		check(harmless[i], harmless[i]);
		/* As a repr and as a part of a path, too, where no quotes of its own end it and no
		 * sign before them makes what follows a value. */
		if (strpbrk(harmless[i], "'\"\\:="))
			continue;
		snprintf(quoted, sizeof(quoted), "app.CFG['%s'][*] and ('%s', 1)", harmless[i],
			 harmless[i]);
		check(quoted, quoted);
	}
}

/* The price of masking by name: what follows the name of a secret is taken for one. */
static void masked_though_harmless(void **state)
{
	(void)state;
	check("tokenizer=BertTokenizer", "tokenizer=****");
	check("the token : a word", "the token : * word");
	check("SG.Singapore.Branch", "****");
	check("git show 3dcf5c9d41b0e7f2a8c6b5d4e3f2a1b0c9d8e7f6", "git show ****");
}

/* More of what must be, where it is likely to stand. */
static const struct {
	const char *text, *masked;
} secret[] = {
	{"dsn='postgresql+psycopg2://app:pa55@db.internal/app'",
	 "dsn='postgresql+psycopg2://app:****@db.internal/app'"},
	{"redis://:hunter2@cache:6379/0", "redis://:****@cache:6379/0"},
	{"https://bob:x@example.org/a?b=c", "https://bob:*@example.org/a?b=c"},
	{"{'Authorization': 'Bearer abc.def'}", "{'Authorization': '****'}"},
	{"{'Authorization': 'Basic Ym9iOng='}", "{'Authorization': '****'}"},
	{"Cookie: sid=1234; theme=dark", "Cookie: ****; theme=dark"},
	{"AWS_SECRET_ACCESS_KEY=abc/def+ghi", "AWS_SECRET_ACCESS_KEY=****"},
	{"DB_PASSWORD='p@ss w0rd'", "DB_PASSWORD='****'"},
	{"Session(session_id='0815', n=3)", "Session(session_id='****', n=3)"},
	{"['csrftoken'] = 'abcdef'", "['csrftoken'] = '****'"},
	{"Login(user='bob', passwd=b'\\x00\\x01')", "Login(user='bob', passwd=b'****')"},
	{"app.CFG['api_key']='k'", "app.CFG['api_key']='*'"},
	{"Credential: abc", "Credential: ***"},
	{"glpat-abcdefghijklmnopqrst", "****"},
	{"dop_v1_0123456789abcdef0123", "****"},
	{"pypi-AgEIcHlwaS5vcmcCJDE", "****"},
	{"npm_0123456789abcdefghij", "****"},
	{"whsec_0123456789abcdef", "****"},
	{"hvs.CAESIJ0123456789abcdef", "****"},
	{"-----BEGIN PRIVATE KEY-----\nMII", "****"},
	{"-----BEGIN OPENSSH PRIVATE KEY-----", "****"},
	{"5105 1051 0510 5100", "****"},
	{"paid with 6011111111111117.", "paid with ****."},
};

static void these_are_masked(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(secret); i++)
		check(secret[i].text, secret[i].masked);
}

/* A key of random characters may look like a name, one in a hundred: of the rest none is missed. */
static void random_keys_are_masked(void **state)
{
	static const char *const of[] = {
		"0123456789abcdef",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	};
	static const size_t lengths[] = {32, 40, 64};
	uint64_t seed = 1;

	(void)state;
	for (size_t a = 0; a < PL_ARRAY_LEN(of); a++) {
		for (size_t l = 0; l < PL_ARRAY_LEN(lengths); l++) {
			unsigned missed = 0;

			for (int i = 0; i < 2000; i++) {
				char text[65] = "";

				for (size_t k = 0; k < lengths[l]; k++)
					text[k] = of[a][test_rand_below(&seed,
									(uint32_t)strlen(of[a]))];
				missed += !pl_secret_mask(text);
			}
			assert_true(missed < 20);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_tokens),
		cmocka_unit_test(long_runs),
		cmocka_unit_test(names),
		cmocka_unit_test(cards),
		cmocka_unit_test(what_stays),
		cmocka_unit_test(several),
		cmocka_unit_test(nothing_in_these_is_masked),
		cmocka_unit_test(masked_though_harmless),
		cmocka_unit_test(these_are_masked),
		cmocka_unit_test(random_keys_are_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
