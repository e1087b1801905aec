# 38sealed.tcl --
#
#	What a client does with a server whose encrypted messages are wrong.

family Sealed client {clients, and a server that is wrong behind the keys}

foreach {letter version} {B TLSv1.3 C TLSv1.2} {
    conversation Sealed-Good-1$letter "all is as it should be, in $version" \
	-versions $version -source {RFC 8446, 2; RFC 5246, 7.3} {
	keyed
	alive
    }
    foreach {n body alerts text} {
	1 {flip $bytes 4} decrypt_error {its first byte is altered}
	2 {flip $bytes end} decrypt_error {its last byte is altered}
	3 {content $bytes [string range $bytes 4 end-1]}
	    {decode_error decrypt_error} {it lacks a byte}
	4 {content $bytes [string range $bytes 4 end]!}
	    {decode_error decrypt_error} {it has a byte more}
	5 {content $bytes ""} {decode_error decrypt_error} {it has no bytes}
    } {
	conversation Sealed-Finished-$n$letter "the Finished: $text, in\
	    $version" -versions $version \
	    -source {RFC 8446, 4.4.4; RFC 5246, 7.4.9} [format {
	    altering Finished {%s}
	    refused %s
	} $body $alerts]
    }
    conversation Sealed-Finished-6$letter "data come before the Finished, in\
	$version" -versions $version -source {RFC 8446, 2; RFC 5246, 7.3} {
	with before Finished {{application_data early}}
	refused unexpected_message
    }
    conversation Sealed-Finished-7$letter "data come in its place, in\
	$version" -versions $version -source {RFC 8446, 2; RFC 5246, 7.3} {
	with instead Finished {{application_data early}}
	refused unexpected_message
    }
    foreach {n bytes text} {
	1 {\x01\x00\x00\x00} {a ClientHello} 2 {\x10\x00\x00\x00}
	{a ClientKeyExchange} 3 {\x63\x00\x00\x00} {a message of type 99}
	4 {\x14\x00\x00\x00} {a Finished} 5 {\x08\x00\x00\x00}
	{an EncryptedExtensions} 6 {\x02\x00\x00\x00} {a ServerHello}
    } {
	conversation Sealed-Message-$n$letter "$text behind the handshake, in\
	    $version" -versions $version \
	    -source {RFC 8446, 4; RFC 5246, 7.4} [format {
	    keyed
	    send -protected 1 -record handshake TLSv1.2 "%s"
	    refused unexpected_message decode_error
	} $bytes]
    }
    foreach {n type} {1 99 2 24 3 255} {
	conversation Sealed-Type-$n$letter "an encrypted record of type $type,\
	    in $version" -versions $version \
	    -source {RFC 8446, 5; RFC 5246, 6} [format {
	    keyed
	    send -protected 1 -record %d TLSv1.2 abc
	    refused unexpected_message
	} $type]
    }
    conversation Sealed-Tag-1$letter "a tag that is wrong, in $version" \
	-versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
	keyed
	wire $spawn_id out corrupt * end 1
	send "something"
	refused bad_record_mac
    }
    conversation Sealed-Long-1$letter "2^14 + 1 bytes of data, in $version" \
	-versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
	keyed
	send -protected 1 -record application_data TLSv1.2 \
	    [string repeat x 16385]
	refused record_overflow
    }
    conversation Sealed-Empty-1$letter "records without data, in $version" \
	-versions $version -source {RFC 8446, 5.4; RFC 5246, 6.2.1} {
	keyed
	send -protected 1 -record application_data TLSv1.2 ""
	send -protected 1 -record application_data TLSv1.2 ""
	alive
    }
    foreach code {20 40 47 80 255} {
	conversation Sealed-Alert-$code$letter "the fatal alert\
	    [::pyossl::expect::names::name alert $code], in $version" \
	    -versions $version -source {RFC 8446, 6.2; RFC 5246, 7.2.2} \
	    [format {
	    keyed
	    send -protected 1 -alert fatal %d
	    closes
	} $code]
    }
}
unset letter version n body alerts text bytes type code

#------------------------------------------------------------------------
# Of TLS 1.3 alone
#------------------------------------------------------------------------

foreach {n name body alerts text} {
    1 EncryptedExtensions {content $bytes ""} decode_error {it has no bytes}
    2 EncryptedExtensions {content $bytes \0\4\xfa\xfa\0\0}
	unsupported_extension {an extension that was not asked for}
    3 EncryptedExtensions {content $bytes \0\5\xfa\xfa\0\0}
	decode_error {its extensions are longer than it is}
    4 EncryptedExtensions {content $bytes \0\6\0\x2b\0\2\3\4}
	{illegal_parameter unsupported_extension}
	{supported_versions, which is for the ServerHello}
    5 CertificateVerify {flip $bytes end} decrypt_error
	{its signature is altered}
    6 CertificateVerify {string replace $bytes 4 5 \xfe\xfe}
	{illegal_parameter decrypt_error handshake_failure}
	{its algorithm was not offered}
    7 CertificateVerify {content $bytes ""} decode_error {it has no bytes}
    8 CertificateVerify {string replace $bytes 4 5 \4\1}
	{illegal_parameter decrypt_error handshake_failure}
	{its algorithm is not for TLS 1.3}
    9 Certificate {content $bytes \0\0\0\0} {decode_error illegal_parameter
	bad_certificate} {it is empty}
    10 Certificate {content $bytes ""} decode_error {it has no bytes}
    11 Certificate {content $bytes \0\0\0\x09\0\0\4xxxx\0\0}
	{bad_certificate decode_error} {its certificate is none}
    12 Certificate {content $bytes \3abc[string range $bytes 5 end]}
	{illegal_parameter decode_error} {it has a context}
} {
    conversation Sealed-Flight-$n "$name: $text" -versions TLSv1.3 \
	-source {RFC 8446, 4.3.1, 4.4.2 and 4.4.3} [format {
	altering %s {%s}
	refused %s
    } $name $body [join $alerts]]
}
foreach {n name} {
    1 EncryptedExtensions 2 Certificate 3 CertificateVerify
} {
    conversation Sealed-Missing-$n "there is no $name" -versions TLSv1.3 \
	-source {RFC 8446, 2 and 4} [format {
	with instead %s {}
	refused unexpected_message
    } $name]
}
foreach {n bytes text alerts} {
    1 {\x18\x00\x00\x01\x02} {with the value 2} illegal_parameter
    2 {\x18\x00\x00\x00} {without a value} decode_error
    3 {\x18\x00\x00\x01\x00\x18\x00\x00\x01\x00} {with another in its record}
	unexpected_message
} {
    conversation Sealed-Update-$n "a KeyUpdate $text" -versions TLSv1.3 \
	-source {RFC 8446, 4.6.3 and 5.1} [format {
	keyed
	send -protected 1 -record handshake TLSv1.2 "%s"
	refused %s
    } $bytes $alerts]
}
foreach {n kind} {4 update_not_requested 5 update_requested} {
    conversation Sealed-Update-$n "a KeyUpdate of the kind $kind" \
	-versions TLSv1.3 -source {RFC 8446, 4.6.3} [format {
	keyed
	send -protected 1 -handshake KeyUpdate {request_update %s}
	alive
    } $kind]
}
foreach {n bytes text} {
    1 {\4\0\0\0} {of no bytes}
    2 {\4\0\0\x0d\0\0\0\1\0\0\0\1\1n\0\0\0} {with a byte too few}
    3 {\4\0\0\x0e\0\0\0\1\0\0\0\1\1n\0\x09xy} {whose ticket goes beyond it}
} {
    conversation Sealed-Ticket-$n "a NewSessionTicket $text" \
	-versions TLSv1.3 -source {RFC 8446, 4.6.1 and 6.2} [format {
	keyed
	send -protected 1 -record handshake TLSv1.2 "%s"
	refused decode_error illegal_parameter
    } $bytes]
}
unset n name body alerts text bytes kind
conversation Sealed-Zeros-1 {nothing but zeros} -versions TLSv1.3 \
    -source {RFC 8446, 5.4} {
    keyed
    send -protected 1 -record 0 TLSv1.2 [string repeat \0 10]
    refused unexpected_message
}
conversation Sealed-Padding-1 {a record of padding} -versions TLSv1.3 \
    -source {RFC 8446, 5.4} {
    keyed
    send -protected 1 -record application_data TLSv1.2 "" -padding 1000
    alive
}
