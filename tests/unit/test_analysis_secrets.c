/*
 * What must be masked, what must stay, and that nothing around it changes. Keys and cards are made
 * up, or those that their makers publish as examples.
 */
#include "analysis/spell/secrets.h"

#include <stdio.h>

#include "cmocka_all.h"

static void check(const char *text, const char *want)
{
	char copy[400];
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_tokens), cmocka_unit_test(long_runs),
		cmocka_unit_test(names),           cmocka_unit_test(cards),
		cmocka_unit_test(what_stays),      cmocka_unit_test(several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
