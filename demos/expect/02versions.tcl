# 02versions.tcl -- which versions does a server speak?
#
#	pyosslsh 02versions.tcl HOST ?PORT?
#
#	Says a ClientHello of each version by hand, without a TLS engine, so that
#	also those are asked for that this OpenSSL would not speak.

if {$argc ni {1 2}} {
    puts stderr "usage: pyosslsh 02versions.tcl HOST ?PORT?"
    exit 2
}
lassign [concat $argv 443] host port
log_user 0
foreach version {TLSv1.3 TLSv1.2 TLSv1.1 TLSv1 SSLv3} {
    if {[catch {spawn raw $host $port} message]} {
	puts stderr "02versions.tcl: $message"
	exit 1
    }
    if {$version eq "TLSv1.3"} {
	set hello {}
    } else {
	set hello [dict create legacy_version $version extensions {
	    {extension_type supported_groups named_group_list {x25519 secp256r1}}
	    {extension_type ec_point_formats ec_point_format_list uncompressed}
	    {extension_type signature_algorithms supported_signature_algorithms {
		ecdsa_secp256r1_sha256 rsa_pkcs1_sha256 rsa_pss_rsae_sha256
		rsa_pkcs1_sha1 ecdsa_sha1}}
	} cipher_suites {
	    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	    TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
	    TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA TLS_RSA_WITH_AES_128_CBC_SHA
	}]
    }
    send -handshake ClientHello $hello
    expect -message ServerHello {
	set chosen [dict get $expect_out(message) legacy_version]
	foreach extension [dict get $expect_out(message) extensions] {
	    if {[dict get $extension extension_type] eq "supported_versions"} {
		set chosen [dict get $extension selected_version]
	    }
	}
	puts "[format %-8s $version] [expr {$chosen eq $version ? "yes"
		: "no, it says $chosen"}]"
    } -alert * {
	puts "[format %-8s $version] no: [lindex $expect_out(alert) 1]"
    } eof {
	puts "[format %-8s $version] no: it ends the connection"
    } timeout {
	puts "[format %-8s $version] no answer"
    }
    exp_close
}
