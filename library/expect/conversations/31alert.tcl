# 31alert.tcl --
#
#	Alerts: of every description, at every point; alerts that are none.

family Alert server {alerts of every description at every point, and bad ones}

# Not 90, user_canceled: it is no error in TLS 1.3.
foreach code {
    10 20 21 22 30 40 41 42 43 44 45 46 47 48 49 50 51 60 70 71 80 86 100
    109 110 111 112 113 114 115 116 120 200 255
} {
    set name [::pyossl::expect::names::name alert $code]
    conversation Alert-Clear-$code \
	"the fatal alert $name in the clear, behind the ServerHello" \
	-source {RFC 8446, 6; RFC 5246, 7.2.2} [format {
	greet
	answered
	send -alert fatal %d
	closes
    } $code]
    conversation Alert-Early-$code \
	"the fatal alert $name in the place of the ClientHello" \
	-source {RFC 8446, 6; RFC 5246, 7.2.2} [format {
	dial
	send -alert fatal %d
	closes
	quiet handshake
    } $code]
    foreach {letter version} {B TLSv1.3 C TLSv1.2} {
	conversation Alert-Keyed-$code$letter \
	    "the fatal alert $name, encrypted, in $version" \
	    -versions $version -source [dict get {
	    TLSv1.3 {RFC 8446, 6.2} TLSv1.2 {RFC 5246, 7.2.2}} $version] \
	    [format {
	    keyed
	    send -protected 1 -alert fatal %d
	    over
	} $code]
	conversation Alert-Finished-$code$letter \
	    "the fatal alert $name, encrypted, before the Finished, in\
	    $version" -versions $version -source [dict get {
	    TLSv1.3 {RFC 8446, 6.2} TLSv1.2 {RFC 5246, 7.2.2}} $version] \
	    [format {
	    with instead Finished {{alert "\x02%s"}}
	    over
	} [format \\x%02x $code]]
    }
}

# Error alerts end the connection, whatever level they say.
foreach code {10 20 40 47 50 51 80 200} {
    set name [::pyossl::expect::names::name alert $code]
    conversation Alert-Level-$code \
	"$name, encrypted and with the level warning, is fatal nonetheless" \
	-versions TLSv1.3 -source {RFC 8446, 6 and 6.2} [format {
	keyed
	send -protected 1 -alert warning %d
	over
    } $code]
}
unset code name letter version

conversation Alert-Warning-1 {user_canceled is no error: data go on behind it} \
    -versions TLSv1.3 -source {RFC 8446, 6.1} {
    keyed
    send -protected 1 -alert warning user_canceled
    alive
}

conversation Alert-Warning-2 {user_canceled before the Finished} \
    -versions TLSv1.3 -source {RFC 8446, 6.1} {
    with before Finished {{alert \x01\x5a}}
    finished
}

conversation Alert-Warning-3 {user_canceled: data go on behind it} \
    -versions TLSv1.2 -source {RFC 5246, 7.2.2} {
    keyed
    send -protected 1 -alert warning user_canceled
    alive
}

conversation Alert-Warning-4 {user_canceled, then close_notify} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
    keyed
    send -protected 1 -alert warning user_canceled
    send -shutdown
    over
}

#------------------------------------------------------------------------
# Alerts that are none
#------------------------------------------------------------------------

foreach {n bytes text} {
    1 {} {has no bytes}
    2 {\x02} {has one byte}
    3 {\x02\x28\x00} {has three bytes}
    4 {\x01\x5a\x01\x5a} {has two alerts in it}
} {
    conversation Alert-Form-$n "an encrypted alert record $text" \
	-versions TLSv1.3 -source {RFC 8446, 5.1} [format {
	keyed
	send -protected 1 -record alert TLSv1.2 "%s"
	refused decode_error unexpected_message illegal_parameter
    } $bytes]
    conversation Alert-Clearform-$n \
	"an alert record $text, behind the ServerHello" \
	-versions TLSv1.3 -source {RFC 8446, 5.1} [format {
	greet
	answered
	send -record alert TLSv1.2 "%s"
	closes
    } $bytes]
    conversation Alert-Earlyform-$n \
	"an alert record $text, in the place of the ClientHello" \
	-source {RFC 8446, 5.1; RFC 5246, 6.2.1} [format {
	dial
	send -record alert TLSv1 "%s"
	refused decode_error unexpected_message illegal_parameter
    } $bytes]
}
unset n bytes text

conversation Alert-Fragment-1 {an alert in two encrypted records} \
    -versions TLSv1.3 -source {RFC 8446, 5.1} {
    keyed
    send -protected 1 -record alert TLSv1.2 \x01
    send -protected 1 -record alert TLSv1.2 \x5a
    refused decode_error unexpected_message illegal_parameter
}

foreach {n level} {1 0 2 3 3 255} {
    conversation Alert-Number-$n "an encrypted alert of level $level" \
	-versions TLSv1.2 -source {RFC 5246, 7.2} [format {
	keyed
	send -protected 1 -alert %d handshake_failure
	refused decode_error unexpected_message illegal_parameter
    } $level]
}
unset n level

conversation Alert-Keys-1 \
    {an alert in the clear where all has to be encrypted} \
    -versions {TLSv1.2} -source {RFC 5246, 6.2.3} {
    keyed
    send -protected 0 -alert warning user_canceled
    refused bad_record_mac decode_error decrypt_error record_overflow
}
