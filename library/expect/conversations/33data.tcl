# 33data.tcl --
#
#	Encrypted records: contents, lengths, types, padding, tags, numbers.

family Data server {encrypted records: empty, long, of wrong types, altered}

foreach {letter version} {B TLSv1.3 C TLSv1.2} {
    conversation Data-Empty-1$letter "one record without data, in $version" \
	-versions $version -source {RFC 8446, 5.4; RFC 5246, 6.2.1} {
	keyed
	send -protected 1 -record application_data TLSv1.2 ""
	alive
    }
    conversation Data-Empty-2$letter "ten records without data, in $version" \
	-versions $version -source {RFC 8446, 5.4; RFC 5246, 6.2.1} {
	keyed
	for {set i 0} {$i < 10} {incr i} {
	    send -protected 1 -record application_data TLSv1.2 ""
	}
	alive
    }
    conversation Data-Long-1$letter \
	"2^14 bytes of data in a record, in $version" \
	-versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.1} {
	keyed
	send -protected 1 -record application_data TLSv1.2 \
	    "GET / HTTP/1.0\r\nX: [string repeat x 16363]\r\n"
	alive
    }
    conversation Data-Long-2$letter \
	"2^14 + 1 bytes of data in a record, in $version" \
	-versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
	keyed
	send -protected 1 -record application_data TLSv1.2 \
	    [string repeat x 16385]
	refused record_overflow
    }
    conversation Data-Long-3$letter \
	"a record that is longer than any may be, in $version" \
	-versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
	keyed
	send -protected 1 -record application_data TLSv1.2 \
	    [string repeat x 18500]
	refused record_overflow
    }
    foreach {n filter text} {
	1 {corrupt * end 1} {the last byte of its tag is altered}
	2 {corrupt * end-15 0x80} {the first byte of its tag is altered}
	3 {corrupt * 10 1} {a byte of the data is altered}
	4 {duplicate *} {it comes twice}
    } {
	conversation Data-Altered-$n$letter "$text, in $version" \
	    -versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} \
	    [format {
	    keyed
	    wire $spawn_id out {%s}
	    send "something\r\n"
	    refused bad_record_mac
	} $filter]
    }
    conversation Data-Altered-5$letter "a record is missing, in $version" \
	-versions $version -source {RFC 8446, 5.3; RFC 5246, 6.1} {
	keyed
	wire $spawn_id out ::pyossl::expect::conversation::script::Gone
	send "some"
	wire $spawn_id reset
	send "thing\r\n"
	refused bad_record_mac
    }
    foreach {n size} {1 0 2 1 3 15 4 16} {
	conversation Data-Short-$n$letter \
	    "a record of $size bytes, which is no tag, in $version" \
	    -versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} \
	    [format {
	    keyed
	    send -record application_data TLSv1.2 [string repeat x %d]
	    refused bad_record_mac decode_error unexpected_message \
		illegal_parameter
	} $size]
    }
    foreach {n type text} {
	1 99 {of a type that there is not} 2 24 {of type heartbeat}
	3 0 {of type 0} 4 255 {of type 255}
    } {
	conversation Data-Type-$n$letter "an encrypted record $text, in\
	    $version" -versions $version \
	    -source {RFC 8446, 5; RFC 5246, 6} [format {
	    keyed
	    send -protected 1 -record %d TLSv1.2 abc
	    refused unexpected_message
	} $type]
    }
    foreach {n name text} {
	1 0x02 {a ServerHello} 2 0x08 {an EncryptedExtensions}
	3 0x0d {a CertificateRequest} 4 0x04 {a NewSessionTicket}
	5 0x0b {a Certificate that nobody has asked for}
	6 0x0f {a CertificateVerify} 7 0x14 {a Finished}
	8 0x05 {an EndOfEarlyData} 9 0x63 {a message of type 99}
    } {
	conversation Data-Message-$n$letter "$text behind the handshake,\
	    in $version" -versions $version \
	    -source {RFC 8446, 4; RFC 5246, 7.4} [format {
	    keyed
	    send -protected 1 -record handshake TLSv1.2 "\x%02x\x00\x00\x00"
	    refused unexpected_message decode_error
	} $name]
    }
    conversation Data-Clear-1$letter "data in the clear, in $version" \
	-versions $version -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
	keyed
	send -record application_data TLSv1.2 \
	    "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
	refused bad_record_mac
    }
}
unset letter version n filter text size type name

# A filter: nothing goes out.
proc script::Gone {record} {
    return {}
}

foreach {n count} {1 1 2 255 3 16000} {
    conversation Data-Padding-$n "$count zeros of padding" \
	-versions TLSv1.3 -source {RFC 8446, 5.4} [format {
	keyed
	send -protected 1 -record application_data TLSv1.2 "" -padding %d
	alive
    } $count]
}

conversation Data-Padding-4 {data, and padding up to the most that there may be} \
    -versions TLSv1.3 -source {RFC 8446, 5.2 and 5.4} {
    keyed
    send -protected 1 -record application_data TLSv1.2 "" -padding 16384
    alive
}

conversation Data-Padding-5 {padding beyond what there may be} \
    -versions TLSv1.3 -source {RFC 8446, 5.2 and 5.4} {
    keyed
    send -protected 1 -record application_data TLSv1.2 "" -padding 16385
    refused record_overflow
}

foreach {n count} {1 0 2 1 3 100 4 16384} {
    conversation Data-Zeros-$n "[expr {$count + 1}] zeros, and nothing else" \
	-versions TLSv1.3 -source {RFC 8446, 5.4} [format {
	keyed
	send -protected 1 -record 0 TLSv1.2 [string repeat \0 %d]
	refused unexpected_message
    } $count]
}
conversation Data-Message-10 {a handshake record without bytes} \
    -versions TLSv1.3 -source {RFC 8446, 5.4} {
    keyed
    send -protected 1 -record handshake TLSv1.2 ""
    refused unexpected_message
}
conversation Data-Inner-1 {a ChangeCipherSpec that is encrypted} \
    -versions TLSv1.3 -source {RFC 8446, 5} {
    keyed
    send -protected 1 -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message
}
conversation Data-Inner-2 {one that is encrypted, before the Finished} \
    -versions TLSv1.3 -source {RFC 8446, 5} {
    with before Finished {{change_cipher_spec \x01}}
    refused unexpected_message
}
foreach {n type} {3 handshake 4 alert 5 99} {
    conversation Data-Inner-$n \
	"the outer type of an encrypted record is $type" -versions TLSv1.3 \
	-source {RFC 8446, 5.2} [format {
	keyed
	wire $spawn_id out {::pyossl::expect::conversation::script::Typed %s}
	send "something\r\n"
	refused unexpected_message bad_record_mac
    } $type]
}
unset n count type

# A filter: records of another type.
proc script::Typed {type record} {
    dict set record type $type
    return [list $record]
}

conversation Data-Version-1 {the version of an encrypted record is 3.4} \
    -versions TLSv1.3 -source {RFC 8446, 5.2} {
    # It is part of what the tag is over, so it cannot be altered unseen.
    keyed
    wire $spawn_id out ::pyossl::expect::conversation::script::Dated
    send "something\r\n"
    refused
}
proc script::Dated {record} {
    dict set record version 0x0304
    return [list $record]
}
